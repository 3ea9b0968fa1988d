//! Positions as codes: whole numbers that keep their order.
//!
//! A code never decides alone. Codes are monotone, so that a row whose code differs from that of an edge is surely on one side
//! of it, and the few rows that share an edge's code are compared by their value. What is computed from codes is therefore
//! equal to what is computed from the values, bit for bit.

/// The step between two codes is one of 2³² between the least and the greatest position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    pub low: f64,
    pub high: f64,
}

impl Coding {
    /// `None` where there is no position (the ends are not in order) or positions reach too far to subtract them.
    #[must_use]
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low <= high && (high - low).is_finite()).then_some(Self { low, high })
    }

    /// Codes for each unit of the axis; 0 where all positions are equal.
    pub(crate) fn per_unit(&self) -> f64 {
        let per_unit = 4_294_967_296.0 / (self.high - self.low);
        if per_unit.is_finite() { per_unit } else { 0.0 }
    }

    /// The code of a finite position between the ends.
    #[inline(always)]
    pub(crate) fn code(&self, position: f64, per_unit: f64) -> u32 {
        // The cast saturates.
        ((position - self.low) * per_unit) as u32
    }

    /// A number that compares with codes as `position` does with positions, as long as the two differ: −1 below all codes,
    /// 2³² above them.
    pub(crate) fn code_of_edge(&self, position: f64) -> i64 {
        if position < self.low {
            -1
        } else if position > self.high {
            1 << 32
        } else {
            i64::from(self.code(position, self.per_unit()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::density::extent;
    use crate::number::tests::number;
    use proptest::prelude::*;

    #[test]
    fn ends_must_be_in_order_and_near_enough() {
        assert!(Coding::new(1.0, 0.0).is_none() && Coding::new(f64::NAN, 0.0).is_none());
        assert!(Coding::new(f64::MIN, f64::MAX).is_none());
        let one = Coding::new(7.0, 7.0).unwrap();
        assert_eq!((one.code(7.0, one.per_unit()), one.code_of_edge(6.9), one.code_of_edge(7.1)), (0, -1, 1 << 32));
        let whole = Coding::new(0.0, 1.0).unwrap();
        assert_eq!(whole.code(1.0, whole.per_unit()), u32::MAX);
    }

    proptest! {
        #[test]
        fn codes_never_contradict_the_order(values in prop::collection::vec(number(), 1..80), edges in prop::collection::vec(number(), 1..8)) {
            let coding = extent(Column::Numeric(&values)).and_then(|(low, high)| Coding::new(low, high));
            if let Some(coding) = coding {
                for position in values.into_iter().filter(|value| value.is_finite()) {
                    let code = i64::from(coding.code(position, coding.per_unit()));
                    for edge in edges.iter().copied().filter(|edge| edge.is_finite()) {
                        let of_edge = coding.code_of_edge(edge);
                        prop_assert!(code >= of_edge || position < edge);
                        prop_assert!(code <= of_edge || position > edge);
                        // The same holds of the upper halves.
                        prop_assert!(code >> 16 >= of_edge >> 16 || position < edge);
                        prop_assert!(code >> 16 <= of_edge >> 16 || position > edge);
                    }
                }
            }
        }
    }
}
