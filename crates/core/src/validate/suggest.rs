//! "Did you mean …?"

/// The candidate nearest to `wrong`, if one is near enough to have been meant.
pub(crate) fn nearest<'c>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let wrong: Vec<char> = wrong.to_lowercase().chars().collect();
    let limit = (wrong.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .filter(|candidate| !candidate.is_empty())
        .filter_map(|candidate| {
            Some((
                distance(&wrong, &candidate.to_lowercase(), limit)?,
                candidate,
            ))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, replaced or swapped with their neighbour; `None` beyond `limit`.
fn distance(a: &[char], b: &str, limit: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        if row.iter().all(|cost| *cost > limit) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|cost| *cost <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised_and_other_words_are_not() {
        let known = ["load", "load_orders", "gate", "email"];
        assert_eq!(nearest("lod", known), Some("load"));
        assert_eq!(nearest("Laod", known), Some("load"));
        assert_eq!(nearest("load_order", known), Some("load_orders"));
        assert_eq!(nearest("publish", known), None);
        assert_eq!(nearest("", known), None);
    }
}
