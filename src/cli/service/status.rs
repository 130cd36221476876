//! `epitome service status`: what is installed and what runs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::systemctl;
use super::units::{self, Found, SERVICE, SOCKET};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::terminal::Terminal;
use crate::cli::text::clean;

/// The output of `service status`.
#[derive(Debug, Serialize)]
struct Report {
    folder: PathBuf,
    units: Vec<Unit>,
    /// Whether the user's systemd answers.
    systemd: bool,
}

#[derive(Debug, Default, Serialize)]
struct Unit {
    name: &'static str,
    installed: bool,
    changed: bool,
    enabled: String,
    active: String,
    pid: Option<u32>,
    status: Option<String>,
}

/// Prints what is installed.
pub async fn status(folder: &Path, json: bool) -> Result<(), Failure> {
    let mut report = Report {
        folder: folder.to_path_buf(),
        units: Vec::new(),
        systemd: true,
    };
    for name in [SOCKET, SERVICE] {
        let found = units::found(&folder.join(name))?;
        let mut unit = Unit {
            name,
            installed: found != Found::Nothing,
            changed: found == Found::Changed,
            ..Unit::default()
        };
        let properties = "--property=ActiveState,SubState,UnitFileState,MainPID,StatusText";
        match systemctl::user(&["show", properties, name]).await {
            Ok(text) => unit.read(&text),
            Err(_) => report.systemd = false,
        }
        report.units.push(unit);
    }
    match json {
        true => output::print_json(&report),
        false => output::print(&Terminal::of_stdout().fold(&report.text())),
    }
}

impl Unit {
    fn read(&mut self, properties: &str) {
        let value = |key: &str| {
            let found = properties.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name == key).then(|| value.trim().to_owned())
            });
            found.unwrap_or_default()
        };
        self.enabled = value("UnitFileState");
        self.active = format!("{} ({})", value("ActiveState"), value("SubState"));
        self.pid = value("MainPID").parse().ok().filter(|pid| *pid != 0);
        self.status = Some(value("StatusText")).filter(|text| !text.is_empty());
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        for unit in &self.units {
            let place = match (unit.installed, unit.changed) {
                (false, _) if unit.enabled.is_empty() => "not installed",
                (false, _) => "installed for all users",
                (true, false) => "installed",
                (true, true) => "installed, changed by hand",
            };
            let mut parts = vec![place.to_owned()];
            parts.extend([&unit.enabled, &unit.active].map(|word| clean(word)));
            parts.extend(unit.pid.map(|pid| format!("process {pid}")));
            parts.extend(unit.status.as_ref().map(|said| clean(said)));
            parts.retain(|part| !part.is_empty());
            text += &format!("{:<16} {}\n", unit.name, parts.join(", "));
        }
        text += &format!("{:<16} {}\n", "units", self.folder.display());
        if !self.systemd {
            text += "the user's systemd does not answer\n";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_s_properties_are_printed() {
        let mut unit = Unit {
            name: SERVICE,
            installed: true,
            ..Unit::default()
        };
        unit.read("ActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=7\nStatusText=a=b\n");
        let report = Report {
            folder: "/f".into(),
            units: vec![unit],
            systemd: true,
        };
        assert_eq!(
            report.text(),
            "epitome.service  installed, enabled, active (running), process 7, a=b\nunits            /f\n"
        );
    }
}
