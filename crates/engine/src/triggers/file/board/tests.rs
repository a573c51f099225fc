//! Which files fire, told without a disk.

use super::*;

const STABLE: i64 = 2_000;

fn stat(size: u64, modified_ms: i64, id: &str) -> Stat {
    Stat {
        size,
        modified: modified_ms * 1_000_000,
        id: (!id.is_empty()).then(|| id.to_owned()),
    }
}

fn at(ms: i64) -> Now {
    Now { work: ms, wall: ms }
}

fn board() -> Board {
    Board::new(BTreeMap::new(), STABLE)
}

/// Reads `path`, which is not changed meanwhile, and takes the verdict over as the source would.
fn read(board: &mut Board, now: Millis, path: &str, hash: &str) -> Verdict {
    let (_, before) = board
        .ripe(at(now))
        .into_iter()
        .find(|(ripe, _)| ripe == path)
        .unwrap_or_else(|| panic!("`{path}` is not ripe"));
    board.begin_reading(path);
    let verdict = board.judge(at(now), path, &before, hash, Some(&before));
    match &verdict {
        Verdict::Fire { row, .. } => board.settle(path, row.clone()),
        Verdict::Note { row, moved_from } => {
            if let Some(from) = moved_from {
                board.forget(from);
            }
            board.settle(path, row.clone());
        }
        Verdict::Nothing | Verdict::Unsettled => {}
    }
    verdict
}

fn event(verdict: &Verdict) -> Option<(Event, u32)> {
    match verdict {
        Verdict::Fire { event, row } => Some((*event, row.version)),
        _ => None,
    }
}

#[test]
fn a_file_fires_once_when_it_rests() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    assert_eq!(board.ripe(at(11_999)), []);
    assert_eq!(board.next(), Some(12_000));
    assert_eq!(
        event(&read(&mut board, 12_000, "a", "x")),
        Some((Event::New, 1))
    );
    board.look(at(13_000), "a", Some(stat(1, 9_000, "1")));
    assert_eq!(board.ripe(at(99_000)), []);
    assert_eq!(board.next(), None);
}

#[test]
fn a_slow_writer_is_waited_for() {
    let mut board = board();
    for second in 0..60 {
        let now = 10_000 + second * 1_000;
        board.look(at(now), "a", Some(stat(1 + second as u64, now, "1")));
        assert_eq!(board.ripe(at(now)), [], "after {second} s");
    }
    assert_eq!(board.next(), Some(71_000));
    // A change of the time alone counts as well.
    board.look(at(70_500), "a", Some(stat(60, 70_400, "1")));
    assert_eq!(board.ripe(at(71_000)), []);
    assert_eq!(board.ripe(at(72_500)).len(), 1);
}

#[test]
fn somebody_who_still_writes_makes_it_rest_anew() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    board.unrest(at(12_000), "a", 0);
    assert_eq!(board.ripe(at(13_999)), []);
    assert_eq!(board.ripe(at(14_000)).len(), 1);
}

#[test]
fn a_touch_does_not_fire_and_other_content_does() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    read(&mut board, 12_000, "a", "x");
    board.look(at(20_000), "a", Some(stat(1, 19_000, "1")));
    let touched = read(&mut board, 22_000, "a", "x");
    assert!(
        matches!(
            touched,
            Verdict::Note {
                moved_from: None,
                ..
            }
        ),
        "{touched:?}"
    );
    board.look(at(30_000), "a", Some(stat(1, 29_000, "1")));
    assert_eq!(
        event(&read(&mut board, 32_000, "a", "y")),
        Some((Event::Changed, 2))
    );
    // Back to what it was is a change again.
    board.look(at(40_000), "a", Some(stat(1, 39_000, "1")));
    assert_eq!(
        event(&read(&mut board, 42_000, "a", "x")),
        Some((Event::Changed, 3))
    );
}

#[test]
fn what_changes_while_it_is_read_is_looked_at_again() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    let (before, after) = (stat(1, 9_000, "1"), stat(2, 12_000, "1"));
    board.begin_reading("a");
    assert_eq!(board.ripe(at(12_000)), [], "it is being read");
    let verdict = board.judge(at(12_000), "a", &before, "x", Some(&after));
    assert_eq!(verdict, Verdict::Unsettled);
    assert_eq!(board.ripe(at(13_999)), []);
    assert_eq!(
        event(&read(&mut board, 14_000, "a", "y")),
        Some((Event::New, 1))
    );
}

#[test]
fn a_second_write_within_a_tick_of_the_disk_is_found() {
    let mut board = Board::new(BTreeMap::new(), 0);
    board.look(at(10_000), "a", Some(stat(1, 10_000, "1")));
    assert_eq!(
        event(&read(&mut board, 10_001, "a", "x")),
        Some((Event::New, 1))
    );
    // Same size, same time, other content.
    board.look(at(10_002), "a", Some(stat(1, 10_000, "1")));
    assert_eq!(board.next(), Some(10_101));
    assert_eq!(
        event(&read(&mut board, 10_101, "a", "y")),
        Some((Event::Changed, 2))
    );
    assert_eq!(board.next(), None, "read a second time, and no more");
}

#[test]
fn a_renamed_file_does_not_fire_again() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    read(&mut board, 12_000, "a", "x");
    assert!(
        board
            .look(at(20_000), "a", None)
            .is_some_and(|row| row.state == State::Gone)
    );
    board.look(at(20_000), "b", Some(stat(1, 9_000, "1")));
    let moved = read(&mut board, 22_000, "b", "x");
    assert!(
        matches!(&moved, Verdict::Note { moved_from: Some(from), .. } if from == "a"),
        "{moved:?}"
    );
    assert!(board.row("a").is_none());
    // A second storm of names.
    board.look(at(30_000), "b", None);
    board.look(at(30_000), "c", Some(stat(1, 9_000, "1")));
    assert_eq!(event(&read(&mut board, 32_000, "c", "x")), None);
}

#[test]
fn a_file_that_moves_over_a_known_one_changes_it() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    board.look(at(10_000), "b", Some(stat(1, 9_500, "2")));
    read(&mut board, 12_000, "a", "x");
    read(&mut board, 12_000, "b", "y");
    board.look(at(20_000), "b", None);
    board.look(at(20_000), "a", Some(stat(1, 9_500, "2")));
    assert_eq!(
        event(&read(&mut board, 22_000, "a", "y")),
        Some((Event::Changed, 2))
    );
}

#[test]
fn the_same_content_dropped_again_fires_again() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    read(&mut board, 12_000, "a", "x");
    board.look(at(20_000), "a", None);
    // The number of the file was given out again.
    board.look(at(30_000), "a", Some(stat(1, 29_000, "1")));
    assert_eq!(
        event(&read(&mut board, 32_000, "a", "x")),
        Some((Event::New, 2))
    );
}

#[test]
fn a_file_that_was_away_and_comes_back_unchanged_does_not_fire() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    read(&mut board, 12_000, "a", "x");
    board.look(at(20_000), "a", None);
    board.look(at(30_000), "a", Some(stat(1, 9_000, "1")));
    let back = read(&mut board, 32_000, "a", "x");
    assert!(
        matches!(
            back,
            Verdict::Note {
                moved_from: None,
                ..
            }
        ),
        "{back:?}"
    );
    assert!(board.row("a").is_some_and(|row| row.state != State::Gone));
}

#[test]
fn what_was_there_at_the_start_is_learned_and_then_compared() {
    let row = Row {
        stat: stat(1, 9_000, "1"),
        hash: None,
        version: 0,
        state: State::Known,
        seen_at: 9_500,
    };
    let mut board = Board::new([("a".to_owned(), row)].into(), STABLE);
    assert_eq!(event(&read(&mut board, 10_000, "a", "x")), None);
    assert_eq!(
        board.row("a").and_then(|row| row.hash.clone()).as_deref(),
        Some("x")
    );
    board.look(at(20_000), "a", Some(stat(1, 19_000, "1")));
    assert_eq!(event(&read(&mut board, 22_000, "a", "x")), None, "a touch");
    board.look(at(30_000), "a", Some(stat(2, 29_000, "1")));
    assert_eq!(
        event(&read(&mut board, 32_000, "a", "y")),
        Some((Event::Changed, 1))
    );
}

#[test]
fn without_numbers_of_files_a_rename_is_a_new_file() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "")));
    read(&mut board, 12_000, "a", "x");
    board.look(at(20_000), "a", None);
    board.look(at(20_000), "b", Some(stat(1, 9_000, "")));
    assert_eq!(
        event(&read(&mut board, 22_000, "b", "x")),
        Some((Event::New, 1))
    );
}

#[test]
fn who_waits_for_a_writer_goes_on_when_the_file_is_closed() {
    let mut board = Board::new(BTreeMap::new(), 0);
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    board.begin_reading("a");
    board.unrest(at(10_000), "a", 250);
    assert_eq!(board.ripe(at(10_249)), []);
    assert_eq!(board.next(), Some(10_250));
    board.rest(at(10_010), "a");
    assert_eq!(board.ripe(at(10_010)).len(), 1);
}

#[test]
fn what_was_read_too_soon_before_the_end_is_read_again_at_the_next_start() {
    let row = |seen_at| Row {
        stat: stat(1, 9_000, "1"),
        hash: Some("x".to_owned()),
        version: 1,
        state: State::Fired,
        seen_at,
    };
    let rows = [
        ("fresh".to_owned(), row(9_010)),
        ("old".to_owned(), row(12_000)),
    ];
    let mut board = Board::new(rows.into(), STABLE);
    let ripe: Vec<String> = board
        .ripe(at(20_000))
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(ripe, ["fresh"]);
    assert_eq!(
        event(&read(&mut board, 20_000, "fresh", "y")),
        Some((Event::Changed, 2))
    );
}

#[test]
fn files_that_are_long_gone_are_known() {
    let mut board = board();
    board.look(at(10_000), "a", Some(stat(1, 9_000, "1")));
    read(&mut board, 12_000, "a", "x");
    board.look(at(20_000), "a", None);
    assert_eq!(board.long_gone(20_000), Vec::<String>::new());
    assert_eq!(board.long_gone(20_001), ["a"]);
}

#[test]
fn the_wall_clock_may_jump_while_a_file_rests() {
    let mut board = board();
    let now = |work, wall| Now { work, wall };
    board.look(now(10_000, 500_000), "a", Some(stat(1, 499_000, "1")));
    assert_eq!(
        board.ripe(now(11_000, 9_000_000)),
        [],
        "it went on by hours"
    );
    assert_eq!(board.ripe(now(12_000, 3)).len(), 1, "it went back");
}
