//! The status page: how the server is, in HTML without a script, fetched anew every few seconds.

use std::fmt::Write as _;

use super::server_status::{RouteStatus, ServerStatus, TrafficStatus};
use super::show::{bytes, share, span, utc};

const STYLE: &str = include_str!("page.css");

/// Columns of a table, and its rows; on a narrow screen each cell stands on a line of its own behind its column's name.
struct PageTable<'a> {
    head: &'a [&'a str],
    rows: Vec<Vec<PageCell>>,
}

/// A cell of a table: its text, and whether it tells of trouble.
struct PageCell {
    text: String,
    is_bad: bool,
}

impl From<String> for PageCell {
    fn from(text: String) -> Self {
        Self { text, is_bad: false }
    }
}

/// The whole page.
pub(super) fn html(status: &ServerStatus) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>rhumb</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"5\"><style>{STYLE}</style></head><body>\n"
    );
    header(&mut page, status);
    tiles(&mut page, status);
    lines(&mut page, "Failures", &status.failures);
    broken_zones(&mut page, status);
    last_reload(&mut page, status);
    lines(&mut page, "Waits for a restart", &status.pending_restart);
    lines(&mut page, "Warnings", &status.warnings);
    status.routes.iter().for_each(|entry| route(&mut page, entry));
    let listeners = status.listeners.iter().map(|listener| {
        vec![listener.address.clone(), listener.transports.join(", "), listener.workers.to_string()]
    });
    section(&mut page, "Listeners", &["Address", "Transports", "Threads"], listeners.collect());
    let server = [
        ("Configuration", status.config.clone().unwrap_or_else(|| "built-in default".to_owned())),
        ("Process", status.pid.to_string()),
        ("Account", status.user.clone()),
        ("Sandbox", status.sandbox.join(", ")),
    ];
    section(&mut page, "Server", &["", ""], server.map(|(name, value)| vec![name.to_owned(), value]).into());
    page.push_str("</body></html>\n");
    page
}

/// Name, version, state, and the way to the other pages.
fn header(page: &mut String, status: &ServerStatus) {
    let (class, word) =
        if status.needs_attention() { ("bad", "needs a look") } else { ("good", "all is well") };
    let (version, up) = (escape(&status.version), span(status.uptime));
    // Writing to a String cannot fail; so everywhere here.
    let _ = writeln!(
        page,
        "<header><h1>rhumb</h1><span class=\"{class}\">{word}</span><p>{version}, up {up}</p>\
         <nav><a href=\"/metrics\">metrics</a> <a href=\"/ready\">ready</a> <a href=\"/health\">health</a></nav></header>"
    );
}

/// The figures one looks at first.
fn tiles(page: &mut String, status: &ServerStatus) {
    let TrafficStatus {
        queries,
        servfail,
        queries_per_second,
        median_ms,
        slowest_hundredth_ms,
        waiting,
        connections,
    } = status.traffic;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let millis = |ms: Option<f64>| or_none(ms.map(|ms| format!("{ms} ms")));
    let cache = &status.cache;
    let tiles = [
        ("queries a second", or_none(queries_per_second.map(|rate| format!("{rate:.1}")))),
        ("half answered within", millis(median_ms)),
        ("99 % answered within", millis(slowest_hundredth_ms)),
        ("cache hits", or_none(cache.hit_ratio.map(share))),
        ("cache entries", cache.entries.to_string()),
        ("cache in use", format!("{} of {}", bytes(cache.bytes), bytes(cache.size))),
        ("queries", queries.to_string()),
        ("SERVFAIL", servfail.to_string()),
        ("waiting", waiting.to_string()),
        ("TCP connections", connections.to_string()),
        ("zones", status.zones.total.to_string()),
        ("broken zones", status.zones.failed.to_string()),
    ];
    page.push_str("<dl>");
    for (name, value) in tiles {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value));
    }
    page.push_str("</dl>\n");
}

fn broken_zones(page: &mut String, status: &ServerStatus) {
    let rows = status.broken.iter().map(|zone| {
        let served =
            zone.serial.map_or_else(|| "nothing, SERVFAIL".to_owned(), |serial| format!("serial {serial}"));
        vec![zone.name.clone(), served, zone.problems.join("\n")]
    });
    section(page, "Broken zones", &["Zone", "Served", "What is wrong"], rows.collect());
    let more = status.zones.failed.saturating_sub(status.broken.len());
    if more > 0 {
        let _ = writeln!(page, "<p>and {more} more</p>");
    }
}

fn last_reload(page: &mut String, status: &ServerStatus) {
    let reload = &status.last_reload;
    let (class, word) = if reload.ok { ("good", "succeeded") } else { ("bad", "failed") };
    let when = utc(reload.when);
    let _ = writeln!(page, "<h2>Last reload</h2>\n<p><span class=\"{class}\">{word}</span> {when}</p>");
    list(page, &reload.errors);
}

fn lines(page: &mut String, title: &str, sentences: &[String]) {
    if !sentences.is_empty() {
        let _ = writeln!(page, "<h2>{title}</h2>");
        list(page, sentences);
    }
}

fn list(page: &mut String, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    page.push_str("<ul>");
    for sentence in sentences {
        let _ = write!(page, "<li>{}</li>", escape(sentence));
    }
    page.push_str("</ul>\n");
}

fn route(page: &mut String, route: &RouteStatus) {
    let rows = route.upstreams.iter().map(|upstream| {
        let rtt = upstream.srtt_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
        let state = upstream.state();
        let counts = [upstream.queries.to_string(), upstream.timeouts.to_string()];
        let state = PageCell { text: state, is_bad: upstream.is_down() };
        let cells = [PageCell::from(upstream.address.clone()), state, rtt.into()];
        cells.into_iter().chain(counts.map(PageCell::from)).collect()
    });
    let title = format!("Forward {} ({})", route.domain, route.policy);
    let head = ["Upstream", "State", "Round trip", "Queries", "Timeouts"];
    if !route.upstreams.is_empty() {
        let _ = writeln!(page, "<h2>{}</h2>", escape(&title));
        PageTable { head: &head, rows: rows.collect() }.write(page);
    }
    let lists = route.lists.iter().map(|list| {
        let state = list.why.clone().unwrap_or_else(|| "followed".to_owned());
        format!("{}: {state}", list.file)
    });
    list(page, &lists.collect::<Vec<_>>());
}

fn section(page: &mut String, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        let _ = writeln!(page, "<h2>{}</h2>", escape(title));
        let rows = rows.into_iter().map(|row| row.into_iter().map(PageCell::from).collect());
        PageTable { head, rows: rows.collect() }.write(page);
    }
}

impl PageTable<'_> {
    fn write(&self, page: &mut String) {
        page.push_str("<table>");
        if self.head.iter().any(|name| !name.is_empty()) {
            page.push_str("<thead><tr>");
            for name in self.head {
                let _ = write!(page, "<th>{name}</th>");
            }
            page.push_str("</tr></thead>");
        }
        page.push_str("<tbody>");
        for row in &self.rows {
            page.push_str("<tr>");
            for (name, cell) in self.head.iter().zip(row) {
                let class = if cell.is_bad { " class=\"bad\"" } else { "" };
                let _ =
                    write!(page, "<td data-label=\"{name}\"><span{class}>{}</span></td>", escape(&cell.text));
            }
            page.push_str("</tr>");
        }
        page.push_str("</tbody></table>\n");
    }
}

/// Text that means itself in an element and in a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::fake::server_status;
    use crate::operator::server_status::{ReloadOutcome, ZoneCount};

    #[test]
    fn the_page_has_the_figures_of_status() {
        let page = html(&server_status(true));
        for part in [
            "<span class=\"bad\">needs a look</span>",
            "<dt>queries a second</dt><dd>12.3</dd>",
            "<dt>half answered within</dt><dd>0.25 ms</dd>",
            "<dt>cache hits</dt><dd>87.5 %</dd>",
            "<h2>Forward . (fastest)</h2>",
            "<td data-label=\"Round trip\"><span>1.2 ms</span></td>",
            "<td data-label=\"State\"><span class=\"bad\">down: no reply in time</span></td>",
            "width=device-width",
        ] {
            assert!(
                page.contains(part) == (part != "<span class=\"bad\">needs a look</span>"),
                "{part}: {page}"
            );
        }
        assert!(!page.contains("Broken zones"), "{page}");
    }

    #[test]
    fn every_kind_of_trouble_alone_asks_for_a_look() {
        let good = || server_status(true);
        let mut down = good();
        down.routes[0].is_down = true;
        let mut all = vec![
            ServerStatus { failures: vec!["udp-1: gone".to_owned()], ..good() },
            ServerStatus { warnings: vec!["certificate c: expired".to_owned()], ..good() },
            ServerStatus { zones: ZoneCount { total: 2, failed: 1 }, ..good() },
            ServerStatus { last_reload: ReloadOutcome { ok: false, ..good().last_reload }, ..good() },
            down,
        ];
        for status in &all {
            assert!(html(status).contains("<span class=\"bad\">needs a look</span>"), "{status:?}");
        }
        // What waits for a restart is wanted; an upstream among others that answer is its own row's matter, as is one taken out.
        let mut calm = good();
        calm.routes[0].upstreams[0].taken_out = true;
        all = vec![good(), calm, ServerStatus { pending_restart: vec!["user".to_owned()], ..good() }];
        for status in &all {
            assert!(html(status).contains("<span class=\"good\">all is well</span>"), "{status:?}");
        }
    }

    #[test]
    fn an_upstream_is_red_while_it_is_asked_and_does_not_answer() {
        for (healthy, taken_out, why, cell) in [
            (false, false, None, "<span class=\"bad\">down</span>"),
            (
                false,
                false,
                Some("nothing listens there"),
                "<span class=\"bad\">down: nothing listens there</span>",
            ),
            (false, true, Some("no reply in time"), "<span>taken out</span>"),
            (true, false, None, "<span>answers</span>"),
        ] {
            let mut status = server_status(true);
            let upstream = &mut status.routes[0].upstreams[0];
            (upstream.healthy, upstream.taken_out, upstream.why) =
                (healthy, taken_out, why.map(str::to_owned));
            status.routes[0].upstreams.truncate(1);
            let page = html(&status);
            assert!(page.contains(&format!("<td data-label=\"State\">{cell}")), "{cell}: {page}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_is_only_text() {
        let mut status = server_status(false);
        status.broken[0].problems.push("<script>alert('\"&')</script>\u{1b}[31m".to_owned());
        let page = html(&status);
        for part in [
            "<span class=\"bad\">needs a look</span>",
            "<h2>Broken zones</h2>",
            "<span>b.example.</span></td><td data-label=\"Served\"><span>serial 8</span>",
            "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;\u{fffd}[31m",
            "<p>and 1 more</p>",
            "<li>r.yaml:1:2: wrong</li>",
            "<li>look here</li>",
            "<h2>Failures</h2>",
            "<li>reload: no progress for 31 s</li>",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<script"), "{page}");
    }
}
