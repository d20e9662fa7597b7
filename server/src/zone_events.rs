//! What happens to zones: they are read, their files change, they are transferred from other servers. One thread alone changes what is served.
//!
//! [`ZoneWriter`] is how the others reach that thread. It never reads a zone itself: threads of their own do, however large
//! the zone is.

mod attention;
mod changes;
mod configured;
mod describe;
mod difference;
mod load;
mod merge;
mod notify;
mod notify_schedule;
mod open_files;
mod other_files;
mod outcome;
mod pairs;
mod preload;
mod publish;
mod read_job;
mod read_queue;
mod readers;
mod recent_updates;
mod refresh;
mod schedule;
mod state;
mod stored;
mod transferred;
mod update;
mod writer;

pub use changes::FileChanges;
pub use load::{LoadedZone, ZoneRefusal, load, load_to_check};
pub use notify::send_notifications;
pub use outcome::{BrokenZone, PlanPurpose, ZoneReadReply, ZonesPlan};
pub use preload::{PreloadedZones, check_zones};
pub use refresh::refresh_zones;
pub use state::{StateFolder, StateFolderError, StateStore};
pub use writer::ZoneWriter;
