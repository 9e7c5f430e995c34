//! What a configuration does for the requirements of OWASP ASVS 5.0, and what it leaves to the
//! application.
//!
//! Each layer tells its part as a [`Policy`]; joined, they make one [report](Policy::report), to be
//! printed at start or kept with an assessment. It says nothing of code that the layers do not see:
//! what is the application's duty stays that, whatever the report says beside it.
//!
//! ```
//! use auth_core::policy::{Coverage, Policy};
//!
//! let mine = Policy::new("gateway").says("7.2.1", Coverage::Enforced, "sessions are looked up here");
//! assert!(mine.report().contains("enforced       gateway: sessions are looked up here"));
//! ```

mod requirements;

use std::{borrow::Cow, fmt, fmt::Write as _};

pub use requirements::{REQUIREMENTS, Requirement};

/// Who sees to it that a requirement is met.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Coverage {
    /// The layer, whatever its configuration.
    Enforced,
    /// The layer, as it is configured.
    Configured,
    /// Nobody: the layer could, but is configured not to.
    Off,
    /// The application, with what the layer gives it.
    Application,
}

impl Coverage {
    /// `enforced`, `configured`, `off` or `application`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Configured => "configured",
            Self::Off => "off",
            Self::Application => "application",
        }
    }
}

/// What one layer says of one requirement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyLine {
    requirement: &'static str,
    coverage: Coverage,
    layer: &'static str,
    text: Cow<'static, str>,
}

impl PolicyLine {
    /// The number of the requirement: `7.2.3`.
    pub fn requirement(&self) -> &'static str {
        self.requirement
    }

    /// Who sees to it.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// The layer that says so.
    pub fn layer(&self) -> &'static str {
        self.layer
    }

    /// How.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What layers say of the requirements. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Policy {
    layer: &'static str,
    lines: Vec<PolicyLine>,
}

impl Policy {
    /// Nothing yet, of a layer of this name.
    pub fn new(layer: &'static str) -> Self {
        Self {
            layer,
            lines: Vec::new(),
        }
    }

    /// Says something of one requirement.
    ///
    /// # Panics
    ///
    /// If there is no requirement of that number among [`REQUIREMENTS`].
    pub fn says(
        mut self,
        requirement: &'static str,
        coverage: Coverage,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let is_known = REQUIREMENTS.iter().any(|known| known.number == requirement);
        assert!(is_known, "ASVS 5.0 has no {requirement} in V7 and V9");
        self.lines.push(PolicyLine {
            requirement,
            coverage,
            layer: self.layer,
            text: text.into(),
        });
        self
    }

    /// Adds what another layer says.
    pub fn join(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self
    }

    /// All that was said.
    pub fn lines(&self) -> &[PolicyLine] {
        &self.lines
    }

    /// What was said of one requirement.
    pub fn of(&self, requirement: &str) -> impl Iterator<Item = &PolicyLine> {
        self.lines
            .iter()
            .filter(move |line| line.requirement == requirement)
    }

    /// All of it as text, requirement by requirement, in the order of the standard.
    pub fn report(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OWASP ASVS 5.0, V7 and V9, by the configuration in use\n")?;
        for Requirement {
            number,
            level,
            title,
        } in REQUIREMENTS
        {
            write!(f, "\n{number} (level {level}) {title}\n")?;
            let mut said = String::new();
            for line in self.of(number) {
                let coverage = line.coverage.as_str();
                writeln!(said, "    {coverage:<14} {}: {}", line.layer, line.text)?;
            }
            if said.is_empty() {
                said.push_str("    -              no layer says anything\n");
            }
            f.write_str(&said)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_say_their_part_and_every_requirement_is_in_the_report() {
        let sessions = Policy::new("session").says("7.3.1", Coverage::Configured, "30 min");
        let tokens = Policy::new("jwt")
            .says("7.3.1", Coverage::Off, "no refresh")
            .says("9.1.1", Coverage::Enforced, "signatures are checked first");
        let both = sessions.join(tokens);
        assert_eq!(both.of("7.3.1").count(), 2);
        let report = both.report();
        for requirement in REQUIREMENTS {
            let head = format!("\n{} (level {}) ", requirement.number, requirement.level);
            assert!(report.contains(&head), "{head}");
        }
        for line in [
            "    configured     session: 30 min\n    off            jwt: no refresh\n",
            "    enforced       jwt: signatures are checked first\n",
            "    -              no layer says anything\n",
        ] {
            assert!(report.contains(line), "{report}");
        }
    }

    #[test]
    #[should_panic = "ASVS 5.0 has no 3.3.2"]
    fn numbers_of_another_version_are_a_mistake() {
        let _ = Policy::new("session").says("3.3.2", Coverage::Enforced, "");
    }

    #[test]
    fn the_table_is_in_order_and_complete() {
        let numbers: Vec<&str> = REQUIREMENTS.iter().map(|one| one.number).collect();
        assert!(numbers.is_sorted());
        let of = |section: &str| numbers.iter().filter(|n| n.starts_with(section)).count();
        let sections = [
            "7.1.", "7.2.", "7.3.", "7.4.", "7.5.", "7.6.", "9.1.", "9.2.",
        ];
        assert_eq!(sections.map(of), [3, 4, 2, 5, 3, 2, 3, 4]);
    }
}
