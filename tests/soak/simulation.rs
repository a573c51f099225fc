//! whole lives of runs under a virtual clock. A life is a random workflow and a random fate: its process crashes at
//! any point, the computer sleeps, its clock is set on and back, the disk is slow and loses what it had not acknowledged,
//! steps fail, hang, answer late or twice, people pause, cancel, answer and answer again, and other builds take over.
//!
//! Here the machine of `core` is real and everything around it is a small deterministic host ([`world`]) that keeps the
//! rules of the engine, so that thousands of lives fit into a minute and the same seed gives the same life to the letter.
//! The real engine and the real store live through the same in [`crate::life`]. What must hold is in [`laws`].

mod fate;
mod host;
pub(crate) mod laws;
mod process;
pub(crate) mod world;

use crate::harness::{Case, Cx, Tally, series};
use crate::random::Chance;
use world::World;

/// Every so many lives one is lived again, to the same letter.
const AGAIN: u32 = 20;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases, |case| {
        let lived = live(case);
        case.done();
        lived
    }))
}

fn live(case: &mut Case<'_>) -> Result<(), String> {
    let seed = case.chance.next();
    let mut world = World::new(seed);
    let lived = world.live().and_then(|()| laws::judge(&world));
    if let Err(why) = lived {
        let told = case.folder.join("life.txt");
        // The reason is told anyway.
        std::fs::write(told, world.told()).ok();
        return Err(format!(
            "{why}\n    the last of it:\n{}",
            world.last_moves()
        ));
    }
    let figures = &world.figures;
    case.note("events", world.events());
    case.note("crashes", figures.crashes);
    case.note("writes lost in a crash", figures.lost);
    case.note("sleeps and jumps of the clock", figures.jumps);
    case.note("late answers", figures.late);
    case.note("runs left alone after an upgrade", figures.left_alone);
    case.most("events of one life", world.events());
    if case.number.is_multiple_of(AGAIN) {
        let mut again = World::new(seed);
        again.live()?;
        if again.told() != world.told() {
            return Err("the same seed gave another life".to_owned());
        }
        case.note("lives lived twice, to the letter", 1);
    }
    if case.number.is_multiple_of(4) {
        prefix(&world, Chance::new(seed, 1))?;
        case.note("logs cut anywhere and continued", 1);
    }
    Ok(())
}

/// A log that ends anywhere is enough to go on.
fn prefix(world: &World, mut chance: Chance) -> Result<(), String> {
    let mut rest = world.cut(&mut chance);
    rest.start()
        .and_then(|()| rest.come_to_an_end())
        .and_then(|()| laws::judge(&rest))
        .map_err(|why| format!("from a part of its log: {why}\n{}", rest.last_moves()))
}
