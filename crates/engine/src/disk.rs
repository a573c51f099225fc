//! Room on the disk of the data folder: three marks, and a ballast that buys the last words.
//!
//! Below the first mark people are warned; below the second no step begins; below the third no run begins, and the
//! ballast is given up, so that what is under way can still be written. With room again, all of it goes back.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Name of the ballast in the data folder.
const BALLAST: &str = "ballast";

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free for this account.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// Where the engine looks how much room there is. Tests bring their own.
pub trait Space: Send + Sync + std::fmt::Debug {
    /// The room on the file system of `dir`.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    fn look(&self, dir: &Path) -> io::Result<Room>;
}

/// What the system says.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl Space for FileSystem {
    #[cfg(unix)]
    fn look(&self, dir: &Path) -> io::Result<Room> {
        let said = rustix::fs::statvfs(dir)?;
        Ok(Room {
            free: said.f_bavail.saturating_mul(said.f_frsize),
            total: said.f_blocks.saturating_mul(said.f_frsize),
        })
    }

    #[cfg(not(unix))]
    fn look(&self, _: &Path) -> io::Result<Room> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// From how little room on something is done about it, in bytes. On a small disk it is less: a tenth of the disk for
/// `pause`, a fiftieth for `read_only`, a twentieth for `ballast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// People are warned.
    pub warn: u64,
    /// They are warned as well below so many percent of the disk (but not with more than twice `warn` free).
    pub warn_percent: u32,
    /// No step begins.
    pub pause: u64,
    /// No run begins, and the ballast is given up.
    pub read_only: u64,
    /// Size of the ballast; 0 for none.
    pub ballast: u64,
}

impl Default for Watermarks {
    fn default() -> Self {
        Self {
            warn: 2_000_000_000,
            warn_percent: 5,
            pause: 500_000_000,
            read_only: 100_000_000,
            ballast: 32 << 20,
        }
    }
}

/// How much is done about little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskLevel {
    /// Nothing.
    Ample,
    /// People are warned.
    Low,
    /// No step begins.
    Paused,
    /// No run begins either.
    ReadOnly,
}

/// How much room there is and what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskState {
    /// What is done about it.
    pub level: DiskLevel,
    /// The room at the last look; `None` if the system does not say.
    pub room: Option<Room>,
    /// Whether the ballast is there to be given up.
    pub has_ballast: bool,
}

#[derive(Debug)]
pub(crate) struct Disk {
    dir: PathBuf,
    space: Arc<dyn Space>,
    state: Mutex<(Watermarks, DiskState)>,
}

impl Disk {
    pub(crate) fn new(dir: &Path, space: Arc<dyn Space>, marks: Watermarks) -> Self {
        let state = DiskState {
            level: DiskLevel::Ample,
            room: None,
            has_ballast: dir.join(BALLAST).exists(),
        };
        Self {
            dir: dir.to_path_buf(),
            space,
            state: Mutex::new((marks, state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Watermarks, DiskState)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn marks(&self) -> Watermarks {
        self.lock().0
    }

    pub(crate) fn set_marks(&self, marks: Watermarks) {
        self.lock().0 = marks;
    }

    pub(crate) fn state(&self) -> DiskState {
        self.lock().1
    }

    /// Whether steps may begin.
    pub(crate) fn may_work(&self) -> bool {
        self.state().level < DiskLevel::Paused
    }

    /// Looks how much room there is; gives the level before if it is another one now.
    pub(crate) fn look(&self) -> Option<DiskLevel> {
        let room = match self.space.look(&self.dir) {
            Ok(room) => Some(room),
            Err(error) => {
                tracing::debug!(%error, "the system does not say how much room there is");
                None
            }
        };
        let mut state = self.lock();
        let (marks, before) = *state;
        let level = room.map_or(DiskLevel::Ample, |room| level(marks, room, before.level));
        state.1.level = level;
        state.1.room = room;
        (level != before.level).then_some(before.level)
    }

    /// Gives the ballast up. `true`: there is more room now.
    pub(crate) fn drop_ballast(&self) -> bool {
        let gone = std::fs::remove_file(self.dir.join(BALLAST)).is_ok();
        self.lock().1.has_ballast = false;
        if gone {
            tracing::warn!("the ballast was given up to make room for what is under way");
        }
        gone
    }

    /// Takes ballast on if there is none and room for it.
    pub(crate) fn take_ballast(&self) {
        let (marks, state) = *self.lock();
        let marks = marks.for_disk(state.room.map_or(u64::MAX, |room| room.total));
        let wanted = marks.pause.saturating_add(marks.ballast.saturating_mul(2));
        let fits = state.room.is_some_and(|room| room.free >= wanted);
        if state.has_ballast || marks.ballast == 0 || !fits {
            return;
        }
        match make_ballast(&self.dir, marks.ballast) {
            Ok(()) => self.lock().1.has_ballast = true,
            Err(error) => tracing::warn!(%error, "no ballast could be taken on"),
        }
    }
}

/// Looks at the disk of a folder that no engine watches.
pub fn disk_of(dir: &Path, marks: Watermarks) -> DiskState {
    let disk = Disk::new(dir, Arc::new(FileSystem), marks);
    disk.look();
    disk.state()
}

/// Gives up the ballast of a folder that cannot be opened for want of room. `true`: there was one.
pub fn give_up_ballast(dir: &Path) -> bool {
    std::fs::remove_file(dir.join(BALLAST)).is_ok()
}

impl Watermarks {
    fn for_disk(self, total: u64) -> Self {
        Self {
            pause: self.pause.min(total / 10),
            read_only: self.read_only.min(total / 50),
            ballast: self.ballast.min(total / 20),
            ..self
        }
    }
}

fn level(marks: Watermarks, room: Room, before: DiskLevel) -> DiskLevel {
    let marks = marks.for_disk(room.total);
    let share = room.total / 100 * u64::from(marks.warn_percent);
    let warn = marks.warn.max(share.min(marks.warn.saturating_mul(2)));
    // A level is left with a tenth more room than it is entered with, so that it does not flutter.
    let below = |mark: u64, level: DiskLevel| {
        let mark = if before >= level {
            mark.saturating_add(mark / 10)
        } else {
            mark
        };
        room.free < mark
    };
    if below(marks.read_only, DiskLevel::ReadOnly) {
        DiskLevel::ReadOnly
    } else if below(marks.pause, DiskLevel::Paused) {
        DiskLevel::Paused
    } else if below(warn, DiskLevel::Low) {
        DiskLevel::Low
    } else {
        DiskLevel::Ample
    }
}

/// Real bytes: a hole would hold no room.
fn make_ballast(dir: &Path, bytes: u64) -> io::Result<()> {
    let path = dir.join(BALLAST);
    let made = (|| {
        let mut file = File::create(&path)?;
        // Not all zeros, which some file systems keep as a hole.
        let block: Vec<u8> = (0..1_u32 << 16)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut left = bytes;
        while left > 0 {
            let part = left.min(block.len() as u64);
            file.write_all(&block[..usize::try_from(part).unwrap_or(block.len())])?;
            left -= part;
        }
        file.sync_all()
    })();
    if made.is_err() {
        // Half a ballast is none.
        drop(std::fs::remove_file(&path));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fake(Mutex<u64>);

    impl Space for Fake {
        fn look(&self, _: &Path) -> io::Result<Room> {
            let free = *self.0.lock().unwrap();
            Ok(Room {
                free,
                total: 50_000_000_000,
            })
        }
    }

    #[test]
    fn levels_follow_the_marks_and_do_not_flutter() {
        let dir = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake(Mutex::new(9_000_000_000)));
        let disk = Disk::new(dir.path(), fake.clone(), Watermarks::default());
        let at = |free: u64| {
            *fake.0.lock().unwrap() = free;
            disk.look();
            disk.state().level
        };
        assert_eq!(at(3_000_000_000), DiskLevel::Ample, "5 % are 2.5 GB");
        assert_eq!(at(1_999_000_000), DiskLevel::Low);
        assert_eq!(at(499_000_000), DiskLevel::Paused);
        assert_eq!(at(520_000_000), DiskLevel::Paused, "a tenth more is needed");
        assert_eq!(at(551_000_000), DiskLevel::Low);
        assert_eq!(at(99_000_000), DiskLevel::ReadOnly);
        assert_eq!(at(105_000_000), DiskLevel::ReadOnly);
        assert_eq!(at(9_000_000_000), DiskLevel::Ample);
    }

    #[test]
    fn a_large_disk_warns_late_and_a_small_one_by_bytes() {
        let free = |free, total| {
            level(
                Watermarks::default(),
                Room { free, total },
                DiskLevel::Ample,
            )
        };
        assert_eq!(free(40_000_000_000, 4_000_000_000_000), DiskLevel::Ample);
        assert_eq!(free(3_900_000_000, 4_000_000_000_000), DiskLevel::Low);
        assert_eq!(free(1_500_000_000, 2_000_000_000), DiskLevel::Low);
        assert_eq!(free(250_000_000, 2_000_000_000), DiskLevel::Low);
        assert_eq!(free(150_000_000, 2_000_000_000), DiskLevel::Paused);
        assert_eq!(free(30_000_000, 2_000_000_000), DiskLevel::ReadOnly);
    }

    #[test]
    fn ballast_is_taken_on_with_room_only_and_given_up_once() {
        let dir = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake(Mutex::new(550_000_000)));
        let disk = Disk::new(dir.path(), fake.clone(), Watermarks::default());
        disk.look();
        disk.take_ballast();
        assert!(!disk.state().has_ballast, "there is too little room");
        *fake.0.lock().unwrap() = 9_000_000_000;
        disk.look();
        disk.take_ballast();
        assert!(disk.state().has_ballast);
        let bytes = std::fs::metadata(dir.path().join(BALLAST)).unwrap().len();
        assert_eq!(bytes, 32 << 20);
        assert!(disk.drop_ballast());
        assert!(!disk.drop_ballast());
    }

    #[test]
    fn the_system_says_how_much_room_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let room = FileSystem.look(dir.path()).unwrap();
        assert!(room.free <= room.total && room.total > 0);
    }
}
