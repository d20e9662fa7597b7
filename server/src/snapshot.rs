//! Everything a query is answered by, at one moment: settings, access, zones and routes.
//!
//! A snapshot never changes; a reload publishes the next one by one swap. What lives longer than a snapshot - zone contents,
//! upstream health, the cache - hangs behind an `Arc` that the next snapshot takes over.

mod access;
mod allowed_clients;
mod announcements;
mod askers;
mod built_in;
mod circle_checks;
mod designated;
mod files;
mod folders;
mod followed_anchor;
mod frozen;
mod incomplete;
mod iteration_plan;
mod live;
mod live_anchors;
mod local_root;
mod log_interval;
mod notify_target;
mod origin;
mod own_lookups;
mod parent_notices;
mod published;
mod refreshes;
pub mod retired;
mod route;
mod running_lookups;
mod secondary;
mod update_rule;
mod updates;
mod upstream_names;
mod versioning;
mod view;
mod zone;

pub use access::{ClientAccess, LocalNetworks};
pub use allowed_clients::AllowedClients;
pub use announcements::{AnnouncedZone, AnnouncedZones, NotifyReply, NotifyTopics, ZoneAnnouncements};
pub use askers::{ZoneAsker, ZoneAskers};
pub use built_in::built_in_zones;
pub use circle_checks::{CircleCheck, CircleChecks};
pub use designated::{DesignatedResolver, address_octets};
pub use files::{FileMark, FileRead};
pub use folders::UnreadableFolders;
pub use followed_anchor::{AnchorRefresh, FollowedAnchor};
pub use frozen::FrozenZones;
pub use incomplete::{CONFIRM, WRITER_BOUND, early_writer, incomplete_file, is_open};
pub use iteration_plan::{FallbackCourse, ForwardCourse, IterationPlan, RouteCourse};
pub use live::{ServerClock, ServerState, cache_limits};
pub use live_anchors::{AnchorObservation, LiveAnchors};
pub use local_root::{LocalRootCopy, LocalRootState};
pub use notify_target::NotifyTarget;
pub use origin::{ZoneFile, ZoneOrigin, zone_of_file};
pub use own_lookups::{OwnLookups, OwnQuestion};
pub use parent_notices::{ParentNotice, ParentNotices};
pub use published::{QuerySettings, ServerSnapshot};
pub use refreshes::{RefreshCommand, RefreshReply, RefreshRequest, RefreshStatus, ZoneRefreshes};
pub use route::{
    AnswerTrust, ForwardRoute, ListSource, RouteEntry, RouteServices, RouteState, RouteTerms, RouteUpstream,
};
pub use running_lookups::{RunningLookup, RunningLookups, RunningPlace};
pub use secondary::{PrimaryServer, SecondaryOrigin};
pub use update_rule::{NO_UPDATE_RULE, ZoneUpdateRule};
pub use updates::{QueuedUpdate, RequestSignature, UpdateAnswer, UpdateQueue};
pub use upstream_names::{UpstreamName, UpstreamNames};
pub use versioning::ZoneVersioning;
pub use view::{AnswerAuthority, SnapshotView};
pub use zone::{CLOCK_JUMP, NewContents, SecondaryTimes, ServedZone, StaleVersion, ZoneEntry, ZoneTrouble};
