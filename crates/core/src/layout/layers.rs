//! One graph in layers from left to right.

use std::collections::VecDeque;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::stable_graph::StableDiGraph;
use rust_sugiyama::configure::Config;

/// Beyond these, the plain method is used: `rust-sugiyama` calls itself once per layer and takes long.
const MOST_STEPS: usize = 1_500;
const MOST_LAYERS: usize = 300;
/// Steps without edges stand in rows of so many.
const ROW: usize = 4;

/// The top left corner of each card, the first at (0, 0). `links` are sorted, without loops and repetitions.
pub(super) fn place(sizes: &[[f64; 2]], links: &[(usize, usize)], gap: [f64; 2]) -> Vec<[f64; 2]> {
    let links = without_cycles(sizes.len(), links);
    let mut is_linked = vec![false; sizes.len()];
    for (from, to) in &links {
        is_linked[*from] = true;
        is_linked[*to] = true;
    }
    let ranks = ranks(sizes.len(), &links);
    let is_large = sizes.len() > MOST_STEPS || ranks.iter().any(|rank| *rank > MOST_LAYERS);
    let mut places = vec![[0.0, 0.0]; sizes.len()];
    let parts = if is_large {
        vec![plain(sizes, &links, &ranks, &is_linked, gap)]
    } else {
        sugiyama(sizes, &links, &is_linked, gap)
    };
    let mut top = 0.0;
    for part in parts {
        let corner = |axis: usize| {
            part.iter()
                .map(|(_, place)| place[axis])
                .fold(f64::INFINITY, f64::min)
        };
        let (left, upper) = (corner(0), corner(1));
        let mut bottom = top;
        for (step, [x, y]) in part {
            places[step] = [x - left, y - upper + top];
            bottom = f64::max(bottom, places[step][1] + sizes[step][1]);
        }
        top = bottom + 2.0 * gap[1];
    }
    let alone: Vec<usize> = (0..sizes.len()).filter(|step| !is_linked[*step]).collect();
    for row in alone.chunks(ROW) {
        let mut x = 0.0;
        for step in row {
            places[*step] = [x, top];
            x += sizes[*step][0] + gap[0];
        }
        top += row.iter().map(|step| sizes[*step][1]).fold(0.0, f64::max) + gap[1];
    }
    places
}

/// The links without those that lead back in a circle: there, the order of the document decides.
fn without_cycles(steps: usize, links: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut graph = DiGraph::<(), ()>::with_capacity(steps, links.len());
    let nodes: Vec<_> = (0..steps).map(|_| graph.add_node(())).collect();
    for (from, to) in links {
        graph.add_edge(nodes[*from], nodes[*to], ());
    }
    let mut group_of = vec![0; steps];
    for (group, members) in kosaraju_scc(&graph).into_iter().enumerate() {
        for node in members {
            group_of[node.index()] = group;
        }
    }
    links
        .iter()
        .copied()
        .filter(|(from, to)| group_of[*from] != group_of[*to] || from < to)
        .collect()
}

/// How many steps come before each one, on the longest way.
fn ranks(steps: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut waiting = vec![0usize; steps];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); steps];
    for (from, to) in links {
        waiting[*to] += 1;
        after[*from].push(*to);
    }
    let mut ranks = vec![0; steps];
    let mut open: VecDeque<usize> = (0..steps).filter(|step| waiting[*step] == 0).collect();
    while let Some(step) = open.pop_front() {
        for next in &after[step] {
            ranks[*next] = ranks[*next].max(ranks[step] + 1);
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                open.push_back(*next);
            }
        }
    }
    ranks
}

type Part = Vec<(usize, [f64; 2])>;

/// Each connected part on its own, in document order of their first steps.
fn sugiyama(
    sizes: &[[f64; 2]],
    links: &[(usize, usize)],
    is_linked: &[bool],
    gap: [f64; 2],
) -> Vec<Part> {
    let mut graph = StableDiGraph::<usize, ()>::new();
    let mut nodes = vec![None; sizes.len()];
    for step in (0..sizes.len()).filter(|step| is_linked[*step]) {
        nodes[step] = Some(graph.add_node(step));
    }
    for (from, to) in links {
        if let (Some(from), Some(to)) = (nodes[*from], nodes[*to]) {
            graph.add_edge(from, to, ());
        }
    }
    let config = Config {
        vertex_spacing: gap[1],
        ..Config::default()
    };
    // The crate draws from top to bottom: width and height change places.
    let size = |_, step: &usize| (sizes[*step][1], sizes[*step][0] + gap[0] - gap[1]);
    let mut parts: Vec<Part> = rust_sugiyama::from_graph(&graph, &size, &config)
        .into_iter()
        .map(|(part, _, _)| {
            let corner = |(node, (across, along)): (NodeIndex, (f64, f64))| {
                let step: usize = graph[node];
                (
                    step,
                    [along - sizes[step][0] / 2.0, across - sizes[step][1] / 2.0],
                )
            };
            let mut part: Part = part.into_iter().map(corner).collect();
            part.sort_by_key(|(step, _)| *step);
            part
        })
        .collect();
    parts.sort_by_key(|part| part.first().map(|(step, _)| *step));
    parts
}

/// Layers by rank, each ordered by where its neighbours before stand.
fn plain(
    sizes: &[[f64; 2]],
    links: &[(usize, usize)],
    ranks: &[usize],
    is_linked: &[bool],
    gap: [f64; 2],
) -> Part {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
    for (from, to) in links {
        before[*to].push(*from);
    }
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for step in (0..sizes.len()).filter(|step| is_linked[*step]) {
        if layers.len() <= ranks[step] {
            layers.resize(ranks[step] + 1, Vec::new());
        }
        layers[ranks[step]].push(step);
    }
    let mut middle = vec![0.0; sizes.len()];
    let mut part = Part::new();
    let mut x = 0.0;
    for mut layer in layers {
        let wish = |step: usize| {
            let known = &before[step];
            known.iter().map(|from| middle[*from]).sum::<f64>() / known.len().max(1) as f64
        };
        let mut wishes: Vec<(f64, usize)> =
            layer.drain(..).map(|step| (wish(step), step)).collect();
        wishes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let height: f64 = wishes
            .iter()
            .map(|(_, step)| sizes[*step][1] + gap[1])
            .sum();
        let centre = wishes.iter().map(|(wish, _)| wish).sum::<f64>() / wishes.len().max(1) as f64;
        let mut y = centre - height / 2.0;
        let mut width = 0.0;
        for (_, step) in wishes {
            part.push((step, [x, y]));
            middle[step] = y + (sizes[step][1] + gap[1]) / 2.0;
            y += sizes[step][1] + gap[1];
            width = f64::max(width, sizes[step][0]);
        }
        x += width + gap[0];
    }
    part
}
