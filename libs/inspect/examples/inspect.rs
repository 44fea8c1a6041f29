//! Prints the inspection of files: `cargo run -p inspect --example inspect FILE...`.

use std::{error::Error, fs::File, io::BufReader, path::Path};

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let name = Path::new(&path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let file = BufReader::new(File::open(&path)?);
        let found = inspect::inspect(name, file, &inspect::Limits::default())?;
        println!("{path}: {}", found.format.as_str());
        for hazard in &found.hazards {
            let (severity, rule) = (hazard.severity.as_str(), hazard.rule.as_str());
            println!("  {severity:8} {rule}  [{}] {}", hazard.place, hazard.detail);
        }
        if let Some(reason) = &found.unread {
            println!("  unread: {reason}");
        }
    }
    Ok(())
}
