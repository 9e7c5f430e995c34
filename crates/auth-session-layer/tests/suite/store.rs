//! A store that counts its calls, fails where it is told to, and waits where it is told to.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    LoginId, StoreError, Unavailable, Verdict,
    revocation::{Op, Query},
    store::*,
};
use auth_revocation_memory::MemoryStore;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// The transitions that tests count, break and hold up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Call {
    Load,
    Touch,
    Commit,
    Establish,
    End,
    Admit,
    Withdraw,
    Revoke,
}

/// How a transition fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// It is not made.
    NotMade,
    /// It is made, but the answer is lost.
    AnswerLost,
}

#[derive(Debug)]
pub(crate) struct TestStore {
    pub(crate) inner: MemoryStore,
    calls: Mutex<Vec<Call>>,
    faults: Mutex<HashMap<Call, Fault>>,
    gates: Mutex<HashMap<Call, Arc<Gate>>>,
    answer_gates: Mutex<HashMap<Call, Arc<Gate>>>,
    /// Whether loads are answered without waiting, as a store in memory does.
    local: AtomicBool,
    /// Whether every transition first gives way to other requests, once.
    paced: AtomicBool,
    /// What happens to the transition that comes next.
    mishap: Mutex<Option<Fault>>,
    established: Mutex<Vec<SessionKey>>,
}

/// Holds up a transition.
#[derive(Debug)]
pub(crate) struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new() -> Self {
        Self {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
        }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.expect("open").forget();
    }

    /// Waits until somebody stands before it.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.expect("open").forget();
    }

    /// Lets one through.
    pub(crate) fn let_one_through(&self) {
        self.open.add_permits(1);
    }
}

pub(crate) const OUTAGE: StoreError =
    StoreError::Unavailable(Unavailable::retry_after(Duration::from_secs(3)));

impl TestStore {
    pub(crate) fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            calls: Mutex::default(),
            faults: Mutex::default(),
            gates: Mutex::default(),
            answer_gates: Mutex::default(),
            local: AtomicBool::new(false),
            paced: AtomicBool::new(false),
            mishap: Mutex::default(),
            established: Mutex::default(),
        }
    }

    /// The calls since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock())
    }

    pub(crate) fn answer_loads_locally(&self) {
        self.local.store(true, Ordering::SeqCst);
    }

    /// Makes every transition give way before it is made: whoever polls the requests decides what
    /// comes next.
    pub(crate) fn pace(&self, paced: bool) {
        self.paced.store(paced, Ordering::SeqCst);
    }

    /// Lets the next transition that is made fail so, and no other; gives what was not used up.
    pub(crate) fn fail_next(&self, mishap: Option<Fault>) -> Option<Fault> {
        std::mem::replace(&mut *self.mishap.lock(), mishap)
    }

    /// Where sessions were begun or moved to since the last time this was asked.
    pub(crate) fn established(&self) -> Vec<SessionKey> {
        std::mem::take(&mut self.established.lock())
    }

    pub(crate) fn fail(&self, call: Call, fault: Fault) {
        self.faults.lock().insert(call, fault);
    }

    pub(crate) fn repair(&self) {
        self.faults.lock().clear();
    }

    /// Holds up every further `call` until it is let through.
    pub(crate) fn gate(&self, call: Call) -> Arc<Gate> {
        let gate = Arc::new(Gate::new());
        self.gates.lock().insert(call, Arc::clone(&gate));
        gate
    }

    /// Holds up the answer to the next `call`, which has been made by then.
    pub(crate) fn gate_answer(&self, call: Call) -> Arc<Gate> {
        let gate = Arc::new(Gate::new());
        self.answer_gates.lock().insert(call, Arc::clone(&gate));
        gate
    }

    pub(crate) fn restore_gate(&self, call: Call, gate: &Arc<Gate>) {
        self.gates.lock().insert(call, Arc::clone(gate));
    }

    pub(crate) fn remove_gate(&self, call: Call) {
        self.gates.lock().remove(&call);
    }

    async fn around<T>(
        &self,
        call: Call,
        made: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.lock().push(call);
        if self.paced.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        let gate = self.gates.lock().get(&call).cloned();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        let fault = self.fail_next(None);
        let fault = fault.or_else(|| self.faults.lock().get(&call).copied());
        match fault {
            Some(Fault::NotMade) => Err(OUTAGE),
            Some(Fault::AnswerLost) => {
                made.await?;
                Err(OUTAGE)
            }
            None => {
                let answer = made.await;
                let gate = self.answer_gates.lock().remove(&call);
                if let Some(gate) = gate {
                    gate.pass().await;
                }
                answer
            }
        }
    }
}

#[async_trait]
impl Revocations for TestStore {
    fn realm(&self) -> &str {
        self.inner.realm()
    }

    async fn verdict(&self, query: &Query) -> Verdict {
        self.inner.verdict(query).await
    }

    async fn epoch(&self, subject: &str) -> Result<Epoch, Unavailable> {
        self.inner.epoch(subject).await
    }

    async fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError> {
        self.around(Call::Revoke, self.inner.revoke(op, revocation))
            .await
    }

    fn subscribe(&self) -> Subscription {
        self.inner.subscribe()
    }
}

#[async_trait]
impl Logins for TestStore {
    async fn admit(&self, admission: &Admission) -> Result<Admitted, StoreError> {
        self.around(Call::Admit, self.inner.admit(admission)).await
    }

    fn withdraw(&self, subject: &str, login: LoginId) {
        self.calls.lock().push(Call::Withdraw);
        self.inner.withdraw(subject, login);
    }

    async fn logins(
        &self,
        subject: &str,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage, StoreError> {
        self.inner.logins(subject, after, limit).await
    }
}

#[async_trait]
impl Sessions for TestStore {
    fn load_now(&self, key: &SessionKey) -> Option<Result<Load, StoreError>> {
        if !self.local.load(Ordering::SeqCst) {
            return None;
        }
        self.calls.lock().push(Call::Load);
        self.inner.load_now(key)
    }

    async fn load(&self, key: &SessionKey) -> Result<Load, StoreError> {
        self.around(Call::Load, self.inner.load(key)).await
    }

    fn touch(&self, key: &SessionKey) {
        self.calls.lock().push(Call::Touch);
        self.inner.touch(key);
    }

    async fn commit(&self, commit: &Commit) -> Result<CommitOutcome, StoreError> {
        self.around(Call::Commit, self.inner.commit(commit)).await
    }

    async fn establish(&self, establish: &Establish) -> Result<Established, StoreError> {
        // What changes in one step has to be in one lane.
        let lane = establish.new.lane;
        assert!(establish.old.is_none_or(|old| old.lane == lane));
        self.established.lock().push(establish.new);
        self.around(Call::Establish, self.inner.establish(establish))
            .await
    }

    async fn end(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.around(Call::End, self.inner.end(key)).await
    }
}
