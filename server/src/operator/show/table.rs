//! Aligned columns.

use std::io::{self, Write};

/// Rows whose columns are as wide as their widest cell; the last is not filled up.
#[derive(Default)]
pub(crate) struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table whose first row names the columns.
    pub(crate) fn with_head<const N: usize>(cells: [&str; N]) -> Self {
        let mut table = Self::default();
        table.row(cells);
        table
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    /// Writes the rows, one line each, two blanks between columns.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut widths = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(column) {
                    Some(widest) => *widest = width.max(*widest),
                    None => widths.push(width),
                }
            }
        }
        for row in &self.rows {
            let (last, others) = row.split_last().map_or(("", &[][..]), |(last, others)| (last, others));
            for (cell, width) in others.iter().zip(&widths) {
                write!(out, "{cell:width$}  ")?;
            }
            writeln!(out, "{last}")?;
        }
        Ok(())
    }
}

/// Lines below a title; nothing without lines.
pub(super) fn list(out: &mut dyn Write, title: &str, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {}", plain(line)))
}

/// Text on one line that does not steer a terminal: line ends and tabs are blanks, other control characters and those that
/// turn the direction of writing are shown as U+FFFD.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c| match c {
        '\n' | '\r' | '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = TextTable::with_head(["A", "LONG", "C"]);
        table.row(["bücher", "b", "c"]);
        table.row(["", "", ""]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let lines = ["A       LONG  C", "bücher  b     c", "              "];
        assert_eq!(String::from_utf8(out).unwrap().lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn terminals_are_not_steered() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\td\u{202e}e\u{9b}f"), "a\u{fffd}[2Jb c d\u{fffd}e\u{fffd}f");
    }
}
