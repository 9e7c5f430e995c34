//! Loading a session.

use std::sync::Arc;

use auth_core::{
    Verdict,
    revocation::{LoginKey, Op, Place},
    store::{Load, Revocation, SessionKey, TOMBSTONE},
};

use crate::{
    connection::Connection,
    keys::text,
    known::{Known, Question},
    reply::{Failure, Reply},
    sessions::{now, number, own, session},
    store::Inner,
};

impl Inner {
    /// The session, if it is alive and its login was not revoked: one round trip, once it is known
    /// whose it is.
    pub(crate) async fn load(self: &Arc<Self>, key: &SessionKey) -> Result<Load, Failure> {
        let connection = self.connection();
        // Of lanes that the copy can answer for, nothing is asked.
        let owner = self.owners.get(key).filter(|(place, _)| {
            let replica = self.replica.as_ref();
            !replica.is_some_and(|replica| replica.is_fresh(place.lane, &self.seen))
        });
        let question = owner.map(|(place, login)| self.question(&own(place, login, u64::MAX)));
        let (here, elsewhere) = match question {
            Some(it) if connection.is_one(key.lane, it.query.place.lane) => (Some(it), None),
            elsewhere => (None, elsewhere),
        };
        // The time comes after the record: it is not before the record was read.
        let mut reads = vec![
            (key.lane, "HGETALL", vec![self.keys.session(key)]),
            (key.lane, "TIME", Vec::new()),
        ];
        if let Some(it) = &here {
            reads.push((it.query.place.lane, "HMGET", it.words(&self.keys)));
        }
        let elsewhere = async {
            let query = elsewhere?.query;
            Some((query.place, self.entries(&connection, &query).await))
        };
        let reads = connection.reads(reads, self.limits.read);
        let (answers, elsewhere) = tokio::join!(reads, elsewhere);
        let mut answers = answers?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(Failure::unreadable()));
        let (mut record, now) = (next()?.hash()?, now(next()?)?);
        // Whatever the record says: the lane may have lost data.
        let asked = match here {
            Some(question) => self.answered(&connection, &question, next()).await,
            None => elsewhere.and_then(|(asked, known)| Some((asked, known.ok()?))),
        };
        if let Some(until) = record.get("until") {
            return Ok(match record.contains_key("next") {
                _ if now >= number(until)? => Load::Absent,
                true => Load::Gone,
                false => Load::Ended,
            });
        }
        if record.is_empty() {
            self.is_told(&connection, key.lane).await?;
            return Ok(Load::Absent);
        }
        let (session, _) = session(&mut record)?;
        if session.is_expired(now) {
            return Ok(Load::Absent);
        }
        let Some(login) = &session.login else {
            return Ok(Load::Live(Arc::new(session)));
        };
        let place = Place::of(&self.realm, &login.subject);
        let its = LoginKey::of(&self.realm, &login.subject, &login.login);
        let query = own(place, its, login.version);
        let replica = self.replica.as_ref();
        let local = replica.and_then(|replica| replica.now(&query, &self.seen));
        if local == Some(Verdict::Active) {
            self.owners.insert(*key, (place, its));
            return Ok(Load::Live(Arc::new(session)));
        }
        let entries = match asked {
            // Unless it was read before the record, and the login came between.
            Some((asked, known)) if asked == place && login.version <= known.highest => known,
            _ => self.entries(&connection, &query).await?,
        };
        self.owners.insert(*key, (place, its));
        if entries.verdict(&query) == Verdict::Active {
            return Ok(Load::Live(Arc::new(session)));
        }
        if entries.verdict_there(&query) == Verdict::Active {
            // Who logged out was told that it failed, and may be doing it again: if the session were
            // over, it would seem to be done.
            let again = Revocation::login(&self.realm, &login.subject, login.login);
            let made = self.revoke(Op::random(), &again).await;
            self.events.tell_revocation(&again, &made);
            made.map_err(|_| Failure::no_answer("a revocation has still to be made"))?;
        }
        Ok(match entries.entries.revoked_at() {
            Some(at) if now >= at.plus(TOMBSTONE) => Load::Absent,
            Some(_) => Load::Ended,
            // When that was is not known: from now on it is.
            None => {
                let lane = u64::from(key.lane.index());
                self.end_session_of(lane, &text(&key.hash), login.login.to_string());
                Load::Ended
            }
        })
    }

    /// What the answer to a question says, or what comes of asking again where data was lost.
    async fn answered(
        &self,
        connection: &Connection,
        question: &Question,
        answer: Result<Reply, Failure>,
    ) -> Option<(Place, Known)> {
        let known = match self.heard(connection, question, answer.ok()?).await.ok()? {
            Some(known) => known,
            None => self.entries(connection, &question.query).await.ok()?,
        };
        Some((question.query.place, known))
    }
}
