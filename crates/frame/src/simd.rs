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

/// The greatest whole number that is not above `number`, as itself and as a float; `number` must be between −2²² and 2²².
///
/// A cast says the same, but it saturates, which is compiled to a branch for each number instead of vectors. Here the sum with
/// 1.5 · 2²³ has no room for a fraction, and its last bits are the whole number.
#[inline(always)]
#[must_use]
pub fn floor(number: f32) -> (i32, f32) {
    const MAGIC: f32 = 12_582_912.0;
    let sum = number + MAGIC;
    let nearest = sum - MAGIC;
    let above = nearest > number;
    let whole = sum.to_bits().wrapping_sub(MAGIC.to_bits()) as i32;
    (whole.wrapping_sub(i32::from(above)), if above { nearest - 1.0 } else { nearest })
}

/// The same for numbers between −2³¹ and 2³¹.
#[inline(always)]
#[must_use]
pub fn floor_f64(number: f64) -> (i32, f64) {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let sum = number + MAGIC;
    let nearest = sum - MAGIC;
    let above = nearest > number;
    ((sum.to_bits() as i32).wrapping_sub(i32::from(above)), if above { nearest - 1.0 } else { nearest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_are_their_own_floor() {
        for whole in [-4_194_303_i32, -3, -2, -1, 0, 1, 2, 3, 255, 65_535, 4_194_303] {
            assert_eq!(floor(whole as f32), (whole, whole as f32));
            assert_eq!(floor_f64(f64::from(whole)), (whole, f64::from(whole)));
        }
        assert_eq!((floor(0.49999997), floor(-0.0)), ((0, 0.0), (0, 0.0)));
        assert_eq!(floor_f64(f64::from(i32::MAX) + 0.5), (i32::MAX, f64::from(i32::MAX)));
    }

    proptest! {
        #[test]
        fn floors_are_those_of_the_library(number in -4e6..4e6_f64) {
            let short = number as f32;
            prop_assert_eq!(floor(short), (short.floor() as i32, short.floor()));
            prop_assert_eq!(floor_f64(number * 500.0), ((number * 500.0).floor() as i32, (number * 500.0).floor()));
        }
    }
}
