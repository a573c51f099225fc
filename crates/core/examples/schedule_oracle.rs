//! Compares schedules with the slow oracle in all time zones: `cargo run --release -p baton-core --example
//! schedule_oracle [-- PART OF]`. Prints one line per difference and the sum at the end; ends with 1 if there is a difference.

#[path = "../tests/it/schedule/oracle.rs"]
mod oracle;

use std::process::ExitCode;

use baton_core::schedule::zone_names;

/// 2025-01-01T00:00:00Z, and a day: the slow answer does not know what was before its first one.
const FROM: i64 = 1_735_689_600_000 - 86_400_000;
const DAYS: i64 = 2 * 365 + 1;

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let (part, of) = match (numbers.next(), numbers.next()) {
        (None, _) => (0, 1),
        (Some(Ok(part)), Some(Ok(of))) if part < of => (part, of),
        _ => {
            println!("give two numbers, PART from 0 and OF, or nothing");
            return ExitCode::from(2);
        }
    };
    let (mut series, mut instants, mut differences) = (0, 0, 0);
    for (_, zone) in zone_names()
        .iter()
        .enumerate()
        .filter(|(at, _)| at % of == part)
    {
        let wall = oracle::Wall::new(zone, FROM, DAYS);
        for shape in oracle::SHAPES {
            series += 1;
            match wall.compare(shape) {
                Ok(count) => instants += count,
                Err(difference) => {
                    differences += 1;
                    println!("{difference}");
                }
            }
        }
    }
    println!("{series} series, {instants} instants, {differences} differences");
    ExitCode::from(u8::from(differences > 0))
}
