//! Applies the rules to one path, in their order of precedence.

use std::borrow::Cow;
use std::path::Path;

use crate::model::path::RelPath;
use crate::model::policy::Policy;

use super::level::{Decision, Origin};
use super::{DirectoryRules, Reason, Rules, attributes, defaults, own_output};

impl Rules {
    /// How the attributes and AI-ignore files around a file classify it.
    pub fn policy(&self, path: &RelPath) -> Policy {
        let rules = path.parent().and_then(|parent| self.directory(&parent));
        rules.map_or(Policy::None, |rules| self.policy_of(&rules, path))
    }

    /// The same for an entry of a directory.
    pub(in crate::shell) fn policy_of(&self, rules: &DirectoryRules, path: &RelPath) -> Policy {
        if !rules.0.has_policies() {
            return Policy::None;
        }
        if self.withheld_by(path).is_some() {
            return Policy::Withheld;
        }
        match self.options.attributes {
            true => attributes::policy(&rules.0.attributes(&self.full(path))),
            false => Policy::None,
        }
    }

    /// The AI-ignore file and line that keeps a file's content from models, as `.cursorignore:3`.
    pub fn withheld_by(&self, path: &RelPath) -> Option<String> {
        let full = self.full(path);
        let rules = self.directory(&path.parent()?)?;
        if !rules.0.has_policies() {
            return None;
        }
        let ends = full.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let folders = ends.map(|(end, _)| (&full[..end], true));
        let mut found = folders
            .chain([(&full[..], false)])
            .filter_map(|(path, is_directory)| rules.0.withheld(path, is_directory));
        let (base, name, line) = found.next()?;
        Some(format!("{}:{line}", self.shown_file(&full, base, name)))
    }

    /// Whether an entry is ignored. Its directory must not be.
    pub(in crate::shell) fn ignores_entry(
        &self,
        rules: &DirectoryRules,
        path: &RelPath,
        is_directory: bool,
    ) -> bool {
        let reason = self.reason(rules, path, is_directory);
        let applies = reason.filter(|reason| self.applies(rules, path, reason));
        if applies.is_some() {
            self.excluded.note(path, applies.as_ref(), is_directory);
        }
        applies.is_some()
    }

    /// Whether a reason holds though git may track the path: only git's own rules and the defaults give way.
    pub(super) fn applies(&self, rules: &DirectoryRules, path: &RelPath, reason: &Reason) -> bool {
        let gives_way = match reason {
            Reason::Pattern { of_git, .. } => *of_git,
            Reason::Default(_) => true,
            _ => false,
        };
        !gives_way || !rules.0.is_tracked(&self.full(path))
    }

    /// The first rule that leaves an entry out, whether git tracks it or not.
    pub(super) fn reason(
        &self,
        rules: &DirectoryRules,
        path: &RelPath,
        is_directory: bool,
    ) -> Option<Reason> {
        let level = &rules.0;
        if path.name() == b".git" {
            return Some(Reason::Git);
        }
        if self.export.as_ref() == Some(path) {
            return Some(Reason::ExportFolder);
        }
        if let Some(verdict) = self.exclude.decide(path.as_bytes(), is_directory)
            && verdict.ignored
        {
            let glob = self.options.exclude.get(verdict.line as usize - 1);
            return Some(Reason::Exclude(glob.cloned().unwrap_or_default()));
        }
        if let Some(reason) = level.closed() {
            return Some(reason.clone());
        }
        let full = self.full(path);
        if let Some(decision) = level.decide(&full, is_directory, &self.global) {
            if decision.verdict.ignored {
                return Some(self.pattern_reason(&full, &decision));
            }
        } else if self.options.defaults {
            let by_name = defaults::of_name(path.name(), is_directory);
            let beside = || level.beside(&full).filter(|_| is_directory);
            if let Some(rule) = by_name.or_else(beside) {
                return Some(Reason::Default(rule));
            }
        }
        if is_directory {
            return None;
        }
        if !self.is_included(path) {
            return Some(Reason::NotIncluded);
        }
        own_output::is_export(path.name(), &path.under(&self.root))
            .then_some(Reason::Own(own_output::EXPORT))
    }

    /// The path relative to the top of the enclosing work tree.
    pub(super) fn full<'a>(&self, path: &'a RelPath) -> Cow<'a, [u8]> {
        match self.prefix.is_empty() {
            true => Cow::Borrowed(path.as_bytes()),
            false => Cow::Owned([&self.prefix, path.as_bytes()].concat()),
        }
    }

    fn pattern_reason(&self, full: &[u8], decision: &Decision<'_>) -> Reason {
        let file = match decision.origin {
            Origin::Tree(base, name) => self.shown_file(full, base, name),
            Origin::Outside(Some(file)) => self.shown_outside(file),
            Origin::Outside(None) => match &self.global_file {
                Some(file) => self.shown_outside(file),
                None => "the excludes file of git".to_owned(),
            },
        };
        Reason::Pattern {
            file,
            line: decision.verdict.line,
            of_git: decision.of_git,
        }
    }

    /// The path of a rule file as messages show it. The first `base` bytes of `full` name its directory.
    fn shown_file(&self, full: &[u8], base: usize, name: &str) -> String {
        let folder = String::from_utf8_lossy(&full[..base]);
        match (full.get(self.prefix.len()..base), &self.top) {
            (Some(below), _) => format!("{}{name}", String::from_utf8_lossy(below)),
            (None, Some(top)) => format!("{}/{folder}{name}", top.display()),
            (None, None) => format!("{folder}{name}"),
        }
    }

    fn shown_outside(&self, file: &Path) -> String {
        let shown = file.strip_prefix(&self.root).unwrap_or(file);
        shown.display().to_string()
    }

    /// Whether `[files] include` keeps a file. The nearest match among the file and its ancestors decides.
    fn is_included(&self, path: &RelPath) -> bool {
        if self.include.is_empty() {
            return true;
        }
        let mut bytes = path.as_bytes();
        let mut is_directory = false;
        loop {
            if let Some(verdict) = self.include.verdict(bytes, is_directory) {
                return verdict;
            }
            let Some(slash) = bytes.iter().rposition(|&byte| byte == b'/') else {
                return false;
            };
            (bytes, is_directory) = (&bytes[..slash], true);
        }
    }
}
