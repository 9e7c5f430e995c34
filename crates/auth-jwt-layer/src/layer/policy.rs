//! What the layer does for OWASP ASVS 5.0, V9 and the part of V7 that is about taking tokens back.

use auth_core::policy::{
    Coverage::{Application, Configured, Enforced, Off},
    Policy,
};

use super::{JwtLayer, examine::Examiner};
use crate::Verifier;

impl<H> JwtLayer<H> {
    /// What it does, as it is configured, for OWASP ASVS 5.0 V7 and V9, and what is left to the
    /// application. Joined with that of a session layer, its [report](Policy::report) is of both.
    pub fn policy(&self) -> Policy {
        self.0.examiner.policy()
    }
}

impl Examiner {
    fn policy(&self) -> Policy {
        let of_each = |say: fn(&Verifier) -> String| -> String {
            let each = self.verifiers().iter();
            let each = each.map(|verifier| format!("{}: {}", verifier.issuer(), say(verifier)));
            each.collect::<Vec<_>>().join("; ")
        };
        let policy = Policy::new("token")
            .says(
                "9.1.1",
                Enforced,
                "the signature is checked before a claim is believed",
            )
            .says(
                "9.1.2",
                Enforced,
                "each key is for one algorithm, whatever the token says; none is not one",
            )
            .says(
                "9.1.3",
                Enforced,
                "keys are those of the verifiers; jwk, jku, x5u and x5c of a token are ignored",
            )
            .says(
                "9.2.1",
                Enforced,
                format!(
                    "exp is required, nbf and iat are never in the future; {}",
                    of_each(|verifier| format!("{} s leeway", verifier.leeway().as_secs()))
                ),
            )
            .says(
                "9.2.3",
                Enforced,
                of_each(|verifier| verifier.audiences().join(", ")),
            )
            .says(
                "9.2.4",
                Application,
                "an issuer names the audiences of each token; tell those of several apart",
            );
        let plain = self
            .verifiers()
            .iter()
            .filter(|verifier| verifier.takes_plain_jwt());
        let plain: Vec<&str> = plain.map(Verifier::issuer).collect();
        let policy = if plain.is_empty() {
            policy.says("9.2.2", Enforced, "only access tokens: `typ` is at+jwt")
        } else {
            let text = format!("plain JWTs are taken, too, of {}", plain.join(", "));
            policy.says("9.2.2", Application, text)
        };
        match self.has_store() {
            true => policy.says(
                "7.4.1",
                Configured,
                "a store is asked of every token whether it was revoked",
            ),
            false => policy.says(
                "7.4.1",
                Off,
                "tokens are good until they expire; store() lets them be taken back",
            ),
        }
    }
}
