//! Positions as codes: whole numbers that keep their order.
//!
//! A code never decides alone. Codes are monotone, so that a row whose code differs from that of an edge is surely on one side
//! of it, and the few rows that share an edge's code are compared by their value. What is computed from codes is therefore
//! equal to what is computed from the values, bit for bit.

/// The step between two codes is one of 2³² between two positions; what is below them all has the first code, what is above them the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    pub low: f64,
    pub high: f64,
    /// The least and the greatest position.
    ends: (f64, f64),
}

impl Coding {
    /// Codes for all positions between these. `None` where there is no position (the ends are not in order) or positions reach too far to
    /// subtract them.
    #[must_use]
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low <= high && (high - low).is_finite()).then_some(Self { low, high, ends: (low, high) })
    }

    /// Finer codes for the positions between two others, and one code for all on either side: for columns whose few far values would leave few
    /// codes for all others.
    #[must_use]
    pub fn finer(self, low: f64, high: f64) -> Self {
        let (low, high) = (low.max(self.ends.0), high.min(self.ends.1));
        if low < high { Self { low, high, ..self } } else { self }
    }

    /// Whether the first code stands for more than a step, and whether the last does.
    pub(crate) fn is_cut(&self) -> (bool, bool) {
        (self.low > self.ends.0, self.high < self.ends.1)
    }

    /// The upper halves of the codes of two edges, such that a position whose half is between them is surely between the edges, and about one
    /// with the same half nothing is known.
    pub(crate) fn halves(&self, (low, high): (f64, f64)) -> (i32, i32) {
        let half = |position: f64| (self.code_of_edge(position) >> 16) as i32;
        let (below, above) = self.is_cut();
        (half(low).max(if below { 0 } else { -1 }), half(high).min(if above { 0xffff } else { 0x1_0000 }))
    }

    /// Codes for each unit of the axis; 0 where all positions are equal.
    pub(crate) fn per_unit(&self) -> f64 {
        let per_unit = 4_294_967_296.0 / (self.high - self.low);
        if per_unit.is_finite() { per_unit } else { 0.0 }
    }

    /// The code of a finite position.
    #[inline(always)]
    pub(crate) fn code(&self, position: f64, per_unit: f64) -> u32 {
        // The cast saturates.
        ((position - self.low) * per_unit) as u32
    }

    /// A number that compares with codes as `position` does with positions, as long as the two differ: −1 below all codes,
    /// 2³² above them.
    pub(crate) fn code_of_edge(&self, position: f64) -> i64 {
        if position < self.ends.0 {
            -1
        } else if position > self.ends.1 {
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
        assert_eq!(whole.is_cut(), (false, false));
    }

    #[test]
    fn far_positions_share_a_code() {
        let finer = Coding::new(-1e9, 10.0).unwrap().finer(0.0, 1e12);
        assert_eq!((finer.low, finer.high, finer.is_cut()), (0.0, 10.0, (true, false)));
        assert_eq!((finer.code(-5.0, finer.per_unit()), finer.code_of_edge(-5.0), finer.code_of_edge(-2e9)), (0, 0, -1));
        assert_eq!(finer.halves((-2e9, 5.0)), (0, 0x8000));
        assert_eq!(finer.halves((1.0, 11.0)).1, 0x1_0000);
        let whole = Coding::new(0.0, 1.0).unwrap();
        assert_eq!((whole.finer(3.0, 4.0), whole.finer(0.5, 0.5)), (whole, whole));
    }

    proptest! {
        #[test]
        fn codes_never_contradict_the_order(values in prop::collection::vec(number(), 1..80), edges in prop::collection::vec(number(), 1..8)) {
            let coding = extent(Column::Numeric(&values)).and_then(|(low, high)| Coding::new(low, high));
            let finer = coding.map(|coding| coding.finer(values[0], values[values.len() / 2]));
            for coding in [coding, finer].into_iter().flatten() {
                for position in values.iter().copied().filter(|value| value.is_finite()) {
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
