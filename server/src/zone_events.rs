//! What happens to zones: they are read, their files change, they are transferred from other servers, updates change them.
//!
//! [`ZoneWriter`] is how the others reach the thread that decides what is read and puts it in force. It never reads a zone itself: threads
//! of their own do, however large the zone is. Nor does it wait for the disk: versions that are kept are made by one thread (`versions`).

mod attention;
mod changes;
mod configured;
mod describe;
mod difference;
mod endpoint_search;
mod in_force;
mod kept_versions;
mod load;
mod notify;
mod notify_exchange;
mod notify_schedule;
mod open_files;
mod other_files;
mod outcome;
mod pairs;
mod parent_endpoint;
mod parent_topics;
mod preload;
mod publish;
mod read_job;
mod read_queue;
mod readers;
mod refresh;
mod schedule;
mod state;
mod stored;
mod transferred;
mod versions;
mod wall_clock;
mod writer;

pub use changes::FileChanges;
pub use load::{LoadedZone, ZoneRefusal, load, load_to_check};
pub use notify::send_notifications;
pub use outcome::{BrokenZone, PlanPurpose, ZoneReadReply, ZonesPlan};
pub use parent_topics::parent_topics;
pub use preload::{PreloadedZones, check_zones};
pub use refresh::refresh_zones;
pub use state::{StateFolder, StateFolderError, StateStore};
pub use versions::{UPDATE_LIMITS, VersionCommand};
pub use writer::ZoneWriter;
