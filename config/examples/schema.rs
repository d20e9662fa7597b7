//! Writes the JSON Schema of the configuration to `config/schema.json`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(&rhumb_config::schema())?;
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json"), text + "\n")
}
