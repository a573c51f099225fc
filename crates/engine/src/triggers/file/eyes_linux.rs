//! The watcher of Linux: inotify, one watch for each folder.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_util::task::AbortOnDropHandle;

use super::hints::Hints;

const BUFFER: usize = 16 << 10;

/// What is worth a look: not reading, of which there is our own.
const WORTH: WatchFlags = WatchFlags::ATTRIB
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Watches of one folder and those below it; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Eyes {
    held: Arc<Held>,
    _reading: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Held {
    fd: AsyncFd<OwnedFd>,
    /// The folder of each watch.
    folders: Mutex<BTreeMap<i32, PathBuf>>,
}

impl Eyes {
    /// Watches `place`; folders below it with [`Eyes::cover`].
    ///
    /// # Errors
    ///
    /// Why the system does not watch it. Looking from time to time has to do then.
    pub(crate) fn open(
        place: &Path,
        _is_recursive: bool,
        hints: &Arc<Hints>,
    ) -> Result<Self, String> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(said)?;
        #[expect(
            deprecated,
            reason = "the descriptor is owned, so what the notice warns of cannot happen; the new name needs `unsafe`"
        )]
        let fd =
            AsyncFd::with_interest(fd, Interest::READABLE).map_err(|error| error.to_string())?;
        let held = Arc::new(Held {
            fd,
            folders: Mutex::default(),
        });
        held.add(place)?;
        let reading = tokio::spawn(read(held.clone(), hints.clone()));
        Ok(Self {
            held,
            _reading: AbortOnDropHandle::new(reading),
        })
    }

    /// Watches these folders as well; `true` if one of them was not watched before, and has to be looked at again.
    ///
    /// # Errors
    ///
    /// Why the system does not watch one of them.
    pub(crate) fn cover(&self, place: &Path, folders: &BTreeSet<String>) -> Result<bool, String> {
        let mut is_more = false;
        for folder in folders {
            is_more |= self.held.add(&place.join(folder))?;
        }
        Ok(is_more)
    }
}

impl Held {
    fn add(&self, folder: &Path) -> Result<bool, String> {
        match inotify::add_watch(self.fd.get_ref(), folder, WORTH) {
            Ok(number) => {
                let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                let before = folders.insert(number, folder.to_path_buf());
                Ok(before.as_deref() != Some(folder))
            }
            // Gone already; the next look does not find it.
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(said(error)),
        }
    }

    fn folder(&self, number: i32) -> Option<PathBuf> {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.get(&number).cloned()
    }

    fn drop_folder(&self, number: i32) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.remove(&number);
    }
}

fn said(error: Errno) -> String {
    match error {
        Errno::NOSPC => {
            "the system watches no more folders (`fs.inotify.max_user_watches`)".to_owned()
        }
        Errno::MFILE => {
            "the system has no more watchers (`fs.inotify.max_user_instances`)".to_owned()
        }
        error => error.to_string().to_lowercase(),
    }
}

async fn read(held: Arc<Held>, hints: Arc<Hints>) {
    loop {
        let Ok(mut ready) = held.fd.readable().await else {
            hints.all();
            return;
        };
        if let Err(error) = drain(&held, &hints) {
            tracing::warn!(%error, "a watched folder is only looked at from time to time");
            hints.all();
            return;
        }
        ready.clear_ready();
    }
}

/// Hands on everything that is there by now.
fn drain(held: &Held, hints: &Hints) -> Result<(), Errno> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = Reader::new(held.fd.get_ref(), &mut buffer);
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        };
        let what = event.events();
        if what.contains(ReadFlags::IGNORED) {
            held.drop_folder(event.wd());
            hints.all();
            continue;
        }
        let is_lost = what.intersects(
            ReadFlags::QUEUE_OVERFLOW
                | ReadFlags::DELETE_SELF
                | ReadFlags::MOVE_SELF
                | ReadFlags::UNMOUNT,
        );
        let is_folder = what.contains(ReadFlags::ISDIR) && !what.contains(ReadFlags::ATTRIB);
        let path = event.file_name().and_then(|name| {
            Some(
                held.folder(event.wd())?
                    .join(OsStr::from_bytes(name.to_bytes())),
            )
        });
        match path {
            Some(path) if !is_lost && !is_folder => {
                if what.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO) {
                    hints.done(path);
                } else {
                    hints.touched(path);
                }
            }
            None if !is_lost && !is_folder => {}
            _ => hints.all(),
        }
    }
}
