//! A disk as a power cut leaves it: what was synced is there; of everything else each write may be there, missing, or
//! torn at a sector, in any order; a name may be there or not until its folder was synced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::random::Chance;
use crate::trace::Call;

/// What a call did to the disk, for whoever walks through the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    Nothing,
    /// Files or names changed.
    Changed,
    /// The disk was made to keep something.
    Synced,
    /// The process said this.
    Said(String),
}

/// What happens to what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All of it reached the disk.
    Nothing,
    /// None of it did.
    Everything,
    /// Contents did, names did not.
    Names,
    /// Names did, contents did not.
    Contents,
    /// Each of it for itself: there, missing or torn, in any order.
    Chance,
}

pub(crate) const LOSSES: [Loss; 7] = [
    Loss::Nothing,
    Loss::Everything,
    Loss::Names,
    Loss::Contents,
    Loss::Chance,
    Loss::Chance,
    Loss::Chance,
];

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Debug, Clone)]
enum Name {
    Put(String, usize),
    /// Put here, and gone from another folder in the same act.
    Moved {
        name: String,
        node: usize,
        from: usize,
        old: String,
    },
    Gone(String),
}

#[derive(Debug, Clone, Default)]
struct Node {
    is_folder: bool,
    safe: Vec<u8>,
    unsafe_changes: Vec<Change>,
    safe_names: BTreeMap<String, usize>,
    names: BTreeMap<String, usize>,
    unsafe_names: Vec<Name>,
}

/// The disk below one folder, which is node 0.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
    open: BTreeMap<i64, (usize, u64)>,
    /// Of these, those that always write at the end.
    appending: BTreeSet<i64>,
}

impl Disk {
    /// The disk with everything that is below `root` now, all of it safe.
    pub(crate) fn new(root: &Path) -> std::io::Result<Self> {
        let mut disk = Self {
            root: root.to_path_buf(),
            nodes: Vec::new(),
            open: BTreeMap::new(),
            appending: BTreeSet::new(),
        };
        disk.take_in(root)?;
        Ok(disk)
    }

    fn take_in(&mut self, path: &Path) -> std::io::Result<usize> {
        let node = self.nodes.len();
        self.nodes.push(Node::default());
        if path.is_dir() {
            self.nodes[node].is_folder = true;
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                let child = self.take_in(&entry.path())?;
                let name = entry.file_name().to_string_lossy().into_owned();
                self.nodes[node].safe_names.insert(name.clone(), child);
                self.nodes[node].names.insert(name, child);
            }
        } else {
            self.nodes[node].safe = std::fs::read(path)?;
        }
        Ok(node)
    }

    /// The folder that holds `path`, and its name in it; `None` outside.
    fn place(&self, path: &Path) -> Option<(usize, String)> {
        let inside = path.strip_prefix(&self.root).ok()?;
        let name = inside.file_name()?.to_string_lossy().into_owned();
        let mut folder = 0;
        for part in inside.parent()?.components() {
            let part = part.as_os_str().to_string_lossy();
            folder = *self.nodes[folder].names.get(part.as_ref())?;
        }
        Some((folder, name))
    }

    fn find(&self, path: &Path) -> Option<usize> {
        if path == self.root {
            return Some(0);
        }
        let (folder, name) = self.place(path)?;
        self.nodes[folder].names.get(&name).copied()
    }

    fn put(&mut self, folder: usize, name: String, node: usize) {
        self.nodes[folder].names.insert(name.clone(), node);
        self.nodes[folder].unsafe_names.push(Name::Put(name, node));
    }

    /// Takes a call into account.
    pub(crate) fn apply(&mut self, call: &Call) -> Mark {
        match call {
            Call::Open {
                path,
                fd,
                creates,
                truncates,
                appends,
            } => {
                self.open.remove(fd);
                self.appending.remove(fd);
                if *appends {
                    self.appending.insert(*fd);
                }
                let mut mark = Mark::Nothing;
                if self.find(path).is_none()
                    && *creates
                    && let Some((folder, name)) = self.place(path)
                {
                    self.nodes.push(Node::default());
                    self.put(folder, name, self.nodes.len() - 1);
                    mark = Mark::Changed;
                }
                if let Some(node) = self.find(path) {
                    self.open.insert(*fd, (node, 0));
                    if *truncates {
                        self.change(node, Change::Truncate(0));
                        mark = Mark::Changed;
                    }
                }
                mark
            }
            Call::Close { fd } => {
                self.open.remove(fd);
                Mark::Nothing
            }
            Call::Seek { fd, to } => {
                if let Some((_, at)) = self.open.get_mut(fd) {
                    *at = *to;
                }
                Mark::Nothing
            }
            Call::Write { fd, at, bytes } => {
                if *fd == 1 {
                    return Mark::Said(String::from_utf8_lossy(bytes).into_owned());
                }
                let end = self.open.get(fd).map(|(node, _)| self.length(*node));
                let is_appending = self.appending.contains(fd);
                let Some((node, offset)) = self.open.get_mut(fd) else {
                    return Mark::Nothing;
                };
                let start = match end {
                    Some(end) if is_appending => end,
                    _ => at.unwrap_or(*offset),
                };
                if at.is_none() {
                    *offset += bytes.len() as u64;
                }
                let node = *node;
                self.change(node, Change::Write(start, bytes.clone()));
                Mark::Changed
            }
            Call::Truncate { fd, length } => match self.open.get(fd) {
                Some((node, _)) => {
                    self.change(*node, Change::Truncate(*length));
                    Mark::Changed
                }
                None => Mark::Nothing,
            },
            Call::Sync { fd } => match self.open.get(fd) {
                Some((node, _)) => {
                    self.sync(*node);
                    Mark::Synced
                }
                None => Mark::Nothing,
            },
            Call::Rename { from, to } => {
                let (Some((old_folder, old)), Some((folder, name))) =
                    (self.place(from), self.place(to))
                else {
                    return Mark::Nothing;
                };
                let Some(node) = self.nodes[old_folder].names.remove(&old) else {
                    return Mark::Nothing;
                };
                self.nodes[folder].names.insert(name.clone(), node);
                let moved = Name::Moved {
                    name,
                    node,
                    from: old_folder,
                    old,
                };
                self.nodes[folder].unsafe_names.push(moved);
                Mark::Changed
            }
            Call::Link { from, to } => {
                if let (Some(node), Some((folder, name))) = (self.find(from), self.place(to)) {
                    self.put(folder, name, node);
                    return Mark::Changed;
                }
                Mark::Nothing
            }
            Call::Remove { path } => {
                let Some((folder, name)) = self.place(path) else {
                    return Mark::Nothing;
                };
                self.nodes[folder].names.remove(&name);
                self.nodes[folder].unsafe_names.push(Name::Gone(name));
                Mark::Changed
            }
            Call::MakeFolder { path } => {
                let Some((folder, name)) = self.place(path) else {
                    return Mark::Nothing;
                };
                let made = Node {
                    is_folder: true,
                    ..Node::default()
                };
                self.nodes.push(made);
                self.put(folder, name, self.nodes.len() - 1);
                Mark::Changed
            }
        }
    }

    fn length(&self, node: usize) -> u64 {
        let node = &self.nodes[node];
        let safe = node.safe.len() as u64;
        node.unsafe_changes
            .iter()
            .fold(safe, |length, change| match change {
                Change::Write(at, bytes) => length.max(at + bytes.len() as u64),
                Change::Truncate(length) => *length,
            })
    }

    fn change(&mut self, node: usize, change: Change) {
        self.nodes[node].unsafe_changes.push(change);
    }

    fn sync(&mut self, node: usize) {
        let changes = std::mem::take(&mut self.nodes[node].unsafe_changes);
        for change in &changes {
            carry_out(&mut self.nodes[node].safe, change);
        }
        for name in std::mem::take(&mut self.nodes[node].unsafe_names) {
            match name {
                Name::Put(name, child) => {
                    self.nodes[node].safe_names.insert(name, child);
                }
                Name::Moved {
                    name,
                    node: child,
                    from,
                    old,
                } => {
                    self.nodes[node].safe_names.insert(name, child);
                    self.nodes[from].safe_names.remove(&old);
                    // Its old name cannot come back.
                    self.nodes[from]
                        .unsafe_names
                        .retain(|known| !matches!(known, Name::Put(put, _) if *put == old));
                }
                Name::Gone(name) => {
                    self.nodes[node].safe_names.remove(&name);
                }
            }
        }
    }

    /// Writes what the disk may hold now into `target`.
    pub(crate) fn image(
        &self,
        target: &Path,
        loss: Loss,
        chance: &mut Chance,
    ) -> std::io::Result<()> {
        let mut names: Vec<BTreeMap<String, usize>> = Vec::with_capacity(self.nodes.len());
        let mut moved_away = Vec::new();
        for node in &self.nodes {
            let mut safe = node.safe_names.clone();
            let count = node.unsafe_names.len();
            // Changes of one folder reach the disk in their order; how far is chance.
            let reached = match loss {
                Loss::Nothing | Loss::Contents => count,
                Loss::Everything | Loss::Names => 0,
                Loss::Chance => chance.index(count + 1),
            };
            for name in &node.unsafe_names[..reached] {
                match name {
                    Name::Put(name, child) => {
                        safe.insert(name.clone(), *child);
                    }
                    Name::Moved {
                        name,
                        node: child,
                        from,
                        old,
                    } => {
                        safe.insert(name.clone(), *child);
                        moved_away.push((*from, old.clone(), *child));
                    }
                    Name::Gone(name) => {
                        safe.remove(name);
                    }
                }
            }
            names.push(safe);
        }
        for (folder, name, child) in moved_away {
            if names[folder].get(&name) == Some(&child) {
                names[folder].remove(&name);
            }
        }
        self.write(0, target, &names, loss, chance)
    }

    fn write(
        &self,
        node: usize,
        target: &Path,
        names: &[BTreeMap<String, usize>],
        loss: Loss,
        chance: &mut Chance,
    ) -> std::io::Result<()> {
        if !self.nodes[node].is_folder {
            return std::fs::write(target, self.content(node, loss, chance));
        }
        std::fs::create_dir_all(target)?;
        for (name, child) in &names[node] {
            // The memory that connections share does not outlive them.
            if !name.ends_with("-shm") {
                self.write(*child, &target.join(name), names, loss, chance)?;
            }
        }
        Ok(())
    }

    fn content(&self, node: usize, loss: Loss, chance: &mut Chance) -> Vec<u8> {
        let node = &self.nodes[node];
        let mut content = node.safe.clone();
        let mut changes: Vec<&Change> = node.unsafe_changes.iter().collect();
        match loss {
            Loss::Everything | Loss::Contents => return content,
            Loss::Nothing | Loss::Names => {
                for change in changes {
                    carry_out(&mut content, change);
                }
                return content;
            }
            Loss::Chance => {}
        }
        if chance.one_in(2) {
            for at in (1..changes.len()).rev() {
                changes.swap(at, chance.index(at + 1));
            }
        }
        let sector = if chance.one_in(2) { 512 } else { 4_096 };
        for change in changes {
            match (chance.below(10), change) {
                (0..=3, _) => carry_out(&mut content, change),
                (4..=6, Change::Write(at, bytes)) => tear(&mut content, *at, bytes, sector, chance),
                _ => {}
            }
        }
        content
    }
}

fn carry_out(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, bytes) => {
            let (start, end) = (*at as usize, *at as usize + bytes.len());
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(bytes);
        }
        Change::Truncate(length) => content.resize(*length as usize, 0),
    }
}

/// Writes some of the sectors.
fn tear(content: &mut Vec<u8>, at: u64, bytes: &[u8], sector: usize, chance: &mut Chance) {
    let (start, end) = (at as usize, at as usize + bytes.len());
    let mut from = start;
    while from < end {
        let to = ((from / sector + 1) * sector).min(end);
        if chance.one_in(2) {
            if content.len() < to {
                content.resize(to, 0);
            }
            content[from..to].copy_from_slice(&bytes[from - start..to - start]);
        }
        from = to;
    }
}
