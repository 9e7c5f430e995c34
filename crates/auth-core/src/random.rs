//! Randomness from the operating system.

/// `N` bytes from the operating system's generator.
///
/// # Panics
///
/// If the operating system has no randomness to give: nothing here can go on safely without it.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
