//! The widest vectors that the processor has.
#![allow(unsafe_code)]

/// Runs `work`, compiled for the widest vectors of this processor. Results do not depend on them: nothing that is compiled so adds
/// floating-point numbers in another order. `work` and what it calls must be `#[inline(always)]`.
#[inline]
pub fn widest<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2<T>(work: impl FnOnce() -> T) -> T {
            work()
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
        fn avx512<T>(work: impl FnOnce() -> T) -> T {
            work()
        }
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
            // SAFETY: the processor has just said that it has these instructions.
            return unsafe { avx512(work) };
        }
        if has!("avx2") {
            // SAFETY: as above.
            return unsafe { avx2(work) };
        }
    }
    work()
}
