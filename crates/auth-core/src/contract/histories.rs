//! Cases: what many requests of one session do to it, in every order that there is time for.
//!
//! Each step of a request is one atomic call of the store, so that the order of steps is all there
//! is to an interleaving. Nothing that was acknowledged may be lost, and nothing that has ended may
//! come back.

use std::time::Duration;

use super::{
    history_run::{REQUESTS, Request, Run, Step},
    random::Dice,
    world::World,
};

/// So many requests are on their way at once.
const AT_ONCE: usize = 8;

/// So many ids are looked after.
const IDS: usize = 24;

pub(super) async fn random_requests_of_one_session_do_what_the_model_says(w: World) {
    let mut dice = Dice::new("random_requests_of_one_session_do_what_the_model_says");
    for round in 0..w.times(4) {
        let mut run = Run::new(&w, round % 2 == 0).await;
        let mut requests: Vec<Request> = Vec::new();
        let mut ids = vec![run.cookie];
        for name in 0..150 {
            if requests.len() < AT_ONCE {
                // Most come with the newest id, some late with an older one.
                let late = dice.below(4) == 0;
                let key = if late {
                    ids[dice.below(ids.len())]
                } else {
                    run.cookie
                };
                let steps = REQUESTS[dice.below(REQUESTS.len())];
                requests.push(Request::new(key, name % 16, steps));
            }
            let at = dice.below(requests.len());
            run.step(&mut requests[at]).await;
            if requests[at].is_over() {
                requests.swap_remove(at);
            }
            if ids.last() != Some(&run.cookie) {
                ids.push(run.cookie);
            }
            if ids.len() > IDS {
                run.model.forget(&ids.remove(0));
                requests.clear();
            }
            match dice.below(40) {
                // A response is lost, and with it the request: whatever it had done stays done.
                0 => requests.truncate(requests.len().saturating_sub(1)),
                1 => {
                    // The two steps of a login follow each other within seconds.
                    requests.retain(|request| !request.is_half_done());
                    w.advance(Duration::from_secs(dice.below(90) as u64)).await;
                }
                2 => {
                    w.advance(Duration::from_millis(1 + dice.below(900) as u64))
                        .await
                }
                3 if dice.below(8) == 0 => {
                    requests.retain(|request| !request.is_half_done());
                    w.advance(Duration::from_secs(1_700)).await;
                }
                4 => {
                    run.begin().await;
                    ids.push(run.cookie);
                }
                _ => {}
            }
        }
        run.check_all().await;
    }
}

/// Every order of the steps of two requests, and with more effort of three, for every choice of
/// what they do.
pub(super) async fn every_order_of_a_few_requests_does_what_the_model_says(w: World) {
    for (at, one) in REQUESTS.into_iter().enumerate() {
        for two in &REQUESTS[at..] {
            orders(&w, false, &[one, two]).await;
            orders(&w, true, &[one, two]).await;
            if w.times(1) > 1 {
                orders(&w, true, &[one, two, &[Step::Admit, Step::Establish]]).await;
            }
        }
    }
}

/// Runs the requests in every order, each time on a session of its own.
async fn orders(w: &World, logged_in: bool, scripts: &[&'static [Step]]) {
    let mut order = Vec::new();
    let mut left: Vec<usize> = scripts.iter().map(|steps| steps.len()).collect();
    let mut orders = Vec::new();
    permute(&mut left, &mut order, &mut orders);
    for order in orders {
        let mut run = Run::new(w, logged_in).await;
        let key = run.cookie;
        let mut requests: Vec<Request> = scripts
            .iter()
            .enumerate()
            .map(|(name, steps)| Request::new(key, name, steps))
            .collect();
        for at in order {
            run.step(&mut requests[at]).await;
        }
        run.check_all().await;
    }
}

/// Every order in which so many steps of each can be made.
fn permute(left: &mut [usize], order: &mut Vec<usize>, orders: &mut Vec<Vec<usize>>) {
    if left.iter().all(|&left| left == 0) {
        orders.push(order.clone());
    }
    for at in 0..left.len() {
        if left[at] > 0 {
            left[at] -= 1;
            order.push(at);
            permute(left, order, orders);
            order.pop();
            left[at] += 1;
        }
    }
}
