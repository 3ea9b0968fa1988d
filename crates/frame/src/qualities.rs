//! OpenML's qualities: numbers that describe a dataset.
//!
//! The definitions are those that reproduce the published qualities of datasets on OpenML. With n rows, d features (the
//! target included), N all nominal features and A the nominal features without the target:
//!
//! | quality | definition |
//! |---|---|
//! | NumberOfInstances, NumberOfFeatures | n, d |
//! | Dimensionality | d / n |
//! | NumberOfMissingValues, NumberOfInstancesWithMissingValues | cells, rows; percentages of n·d and of n |
//! | NumberOfNumericFeatures, NumberOfSymbolicFeatures | by declared type; percentages of d |
//! | NumberOfBinaryFeatures | nominal with exactly two *declared* levels |
//! | NumberOfClasses | levels of a nominal target that a row has; 0 for a numeric target |
//! | MajorityClass…, MinorityClass… | largest and smallest class that a row has; percentages of n |
//! | ClassEntropy | −Σ p log₂ p of the target |
//! | AutoCorrelation | 1 − mean over consecutive rows of \|difference\| (nominal: 1 if they differ) of the target |
//! | …NominalAttDistinctValues | levels that a row has, over N; Stdv is the sample deviation |
//! | …MeansOfNumericAtts, …StdDevOfNumericAtts | over numeric features; sample deviation |
//! | …SkewnessOfNumericAtts, …KurtosisOfNumericAtts | the bias-corrected G₁ and excess G₂ |
//! | …AttributeEntropy, …MutualInformation | bits, over A; mutual information with the target, over rows that have both |
//! | EquivalentNumberOfAtts | ClassEntropy / MeanMutualInformation |
//! | MeanNoiseToSignalRatio | (MeanAttributeEntropy − MeanMutualInformation) / MeanMutualInformation |
//!
//! One difference is deliberate: OpenML's engine takes a missing nominal value for the first level when it computes entropies
//! and mutual information; here rows without a value are left out.

use crate::column::Column;
use crate::number::{entropy_bits, mean, mean_std, sum};
use crate::{Kind, MISSING};

/// A nominal feature with more levels × classes than this has no mutual information computed.
const MOST_PAIRS: usize = 1 << 24;

/// The basic qualities under OpenML's names. A quality that is not defined (no target, no numeric feature, a single row) is left
/// out.
///
/// `columns` are the features that describe the data, target included; features to ignore and row identifiers are the caller's to
/// leave out. All columns have the same length.
#[must_use]
pub fn qualities(columns: &[(&str, Column<'_>)], target: Option<&str>) -> Vec<(&'static str, f64)> {
    let mut found = Found(Vec::with_capacity(64));
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    let target = target.and_then(|name| columns.iter().find(|(other, _)| *other == name));
    shape(&mut found, columns, rows);
    if let Some((_, column)) = target {
        class_qualities(&mut found, *column, rows);
    } else {
        found.add("NumberOfClasses", 0.0);
    }
    numeric_qualities(&mut found, columns);
    nominal_qualities(&mut found, columns, target.map(|(name, column)| (*name, *column)));
    found.0
}

struct Found(Vec<(&'static str, f64)>);

impl Found {
    fn add(&mut self, name: &'static str, value: f64) {
        if value.is_finite() {
            self.0.push((name, value));
        }
    }

    fn add_percentage(&mut self, name: &'static str, part: f64, whole: f64) {
        if whole > 0.0 {
            self.add(name, part / whole * 100.0);
        }
    }

    /// Adds the least, mean and greatest of `values`, if there are any.
    fn add_spread(&mut self, names: [&'static str; 3], values: &[f64]) {
        let Some(mean) = mean(values) else { return };
        self.add(names[0], values.iter().copied().fold(f64::INFINITY, f64::min));
        self.add(names[1], mean);
        self.add(names[2], values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }
}

fn shape(found: &mut Found, columns: &[(&str, Column<'_>)], rows: usize) {
    let features = columns.len() as f64;
    let n = rows as f64;
    found.add("NumberOfInstances", n);
    found.add("NumberOfFeatures", features);
    if rows > 0 {
        found.add("Dimensionality", features / n);
    }

    let mut incomplete = vec![false; rows];
    let mut missing = 0;
    for (_, column) in columns {
        match column.clean_codes() {
            Some(codes) => {
                for (flag, code) in incomplete.iter_mut().zip(codes) {
                    missing += usize::from(code == MISSING);
                    *flag |= code == MISSING;
                }
            }
            None => {
                for (flag, value) in incomplete.iter_mut().zip(column.numbers().unwrap_or_default()) {
                    missing += usize::from(value.is_nan());
                    *flag |= value.is_nan();
                }
            }
        }
    }
    let incomplete = incomplete.into_iter().filter(|&flag| flag).count() as f64;
    found.add("NumberOfMissingValues", missing as f64);
    found.add_percentage("PercentageOfMissingValues", missing as f64, n * features);
    found.add("NumberOfInstancesWithMissingValues", incomplete);
    found.add_percentage("PercentageOfInstancesWithMissingValues", incomplete, n);

    let count = |test: fn(&Column<'_>) -> bool| columns.iter().filter(|(_, column)| test(column)).count() as f64;
    let numeric = count(|column| column.kind() == Kind::Numeric);
    let symbolic = count(|column| column.kind() == Kind::Nominal);
    let binary = count(|column| matches!(column, Column::Nominal { levels, .. } if levels.len() == 2));
    found.add("NumberOfNumericFeatures", numeric);
    found.add_percentage("PercentageOfNumericFeatures", numeric, features);
    found.add("NumberOfSymbolicFeatures", symbolic);
    found.add_percentage("PercentageOfSymbolicFeatures", symbolic, features);
    found.add("NumberOfBinaryFeatures", binary);
    found.add_percentage("PercentageOfBinaryFeatures", binary, features);
}

fn class_qualities(found: &mut Found, target: Column<'_>, rows: usize) {
    let changes = match target {
        Column::Numeric(values) | Column::Date(values) => {
            found.add("NumberOfClasses", 0.0);
            sum(values.windows(2).map(|pair| (pair[1] - pair[0]).abs()))
        }
        Column::Nominal { codes, levels } | Column::Text { codes, levels } => {
            let counts = level_counts(codes, levels.len());
            let used = || counts.iter().copied().filter(|&count| count > 0);
            found.add("NumberOfClasses", used().count() as f64);
            if let (Some(majority), Some(minority)) = (used().max(), used().min()) {
                found.add("MajorityClassSize", majority as f64);
                found.add_percentage("MajorityClassPercentage", majority as f64, rows as f64);
                found.add("MinorityClassSize", minority as f64);
                found.add_percentage("MinorityClassPercentage", minority as f64, rows as f64);
                found.add("ClassEntropy", entropy_bits(used(), used().sum()));
            }
            codes.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64
        }
    };
    if rows > 1 {
        found.add("AutoCorrelation", 1.0 - changes / (rows - 1) as f64);
    }
}

fn numeric_qualities(found: &mut Found, columns: &[(&str, Column<'_>)]) {
    let (mut means, mut deviations, mut skews, mut kurtoses) = (vec![], vec![], vec![], vec![]);
    for (_, column) in columns {
        let Column::Numeric(values) = column else {
            continue;
        };
        let Some(moments) = mean_std(values) else {
            continue;
        };
        means.push(moments.mean);
        deviations.extend(moments.sample_std);
        let (skewness, kurtosis) = shape_moments(values, moments.mean);
        skews.extend(skewness);
        kurtoses.extend(kurtosis);
    }
    found.add_spread(["MinMeansOfNumericAtts", "MeanMeansOfNumericAtts", "MaxMeansOfNumericAtts"], &means);
    found.add_spread(["MinStdDevOfNumericAtts", "MeanStdDevOfNumericAtts", "MaxStdDevOfNumericAtts"], &deviations);
    found.add_spread(["MinSkewnessOfNumericAtts", "MeanSkewnessOfNumericAtts", "MaxSkewnessOfNumericAtts"], &skews);
    found.add_spread(["MinKurtosisOfNumericAtts", "MeanKurtosisOfNumericAtts", "MaxKurtosisOfNumericAtts"], &kurtoses);
}

/// The adjusted Fisher-Pearson skewness G₁ and the excess kurtosis G₂ of the finite values; `None` for too few of them or none that
/// vary.
fn shape_moments(values: &[f64], mean: f64) -> (Option<f64>, Option<f64>) {
    let deviations = || values.iter().filter(|v| v.is_finite()).map(|v| v - mean);
    let n = deviations().count() as f64;
    let m2 = sum(deviations().map(|d| d * d)) / n;
    if n < 3.0 || m2 <= 0.0 {
        return (None, None);
    }
    let m3 = sum(deviations().map(|d| d * d * d)) / n;
    let skewness = (n * (n - 1.0)).sqrt() / (n - 2.0) * m3 / m2.powf(1.5);
    let kurtosis = (n >= 4.0).then(|| {
        let m4 = sum(deviations().map(|d| d * d * d * d)) / n;
        let excess = m4 / (m2 * m2) - 3.0;
        (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * excess + 6.0)
    });
    (Some(skewness), kurtosis)
}

fn nominal_qualities(found: &mut Found, columns: &[(&str, Column<'_>)], target: Option<(&str, Column<'_>)>) {
    let (mut distinct, mut entropies, mut informations) = (vec![], vec![], vec![]);
    let class = target.and_then(|(_, column)| column.categories());
    for (name, column) in columns {
        let Column::Nominal { codes, levels } = *column else {
            continue;
        };
        let counts = level_counts(codes, levels.len());
        distinct.push(counts.iter().filter(|&&count| count > 0).count() as f64);
        if target.is_none_or(|(target, _)| target == *name) {
            continue;
        }
        let Some((class_codes, classes)) = class else {
            continue;
        };
        entropies.push(entropy_bits(counts.iter().copied(), counts.iter().sum()));
        informations.extend(mutual_information(codes, levels.len(), class_codes, classes.len()));
    }
    let names = ["MinNominalAttDistinctValues", "MeanNominalAttDistinctValues", "MaxNominalAttDistinctValues"];
    found.add_spread(names, &distinct);
    if let Some(moments) = mean_std(&distinct) {
        found.add("StdvNominalAttDistinctValues", moments.sample_std.unwrap_or(0.0));
    }
    found.add_spread(["MinAttributeEntropy", "MeanAttributeEntropy", "MaxAttributeEntropy"], &entropies);
    found.add_spread(["MinMutualInformation", "MeanMutualInformation", "MaxMutualInformation"], &informations);
    if let (Some(entropy), Some(information), Some((codes, levels))) = (mean(&entropies), mean(&informations), class) {
        let counts = level_counts(codes, levels.len());
        let class_entropy = entropy_bits(counts.iter().copied(), counts.iter().sum());
        found.add("EquivalentNumberOfAtts", class_entropy / information);
        found.add("MeanNoiseToSignalRatio", (entropy - information) / information);
    }
}

/// Rows per level; codes without a level are left out.
fn level_counts(codes: &[u32], levels: usize) -> Vec<u64> {
    let mut counts = vec![0; levels];
    for &code in codes {
        if let Some(count) = counts.get_mut(code as usize) {
            *count += 1;
        }
    }
    counts
}

/// H(a) + H(b) − H(a, b) in bits over the rows that have both; `None` if the table of pairs would be too large.
fn mutual_information(a: &[u32], a_levels: usize, b: &[u32], b_levels: usize) -> Option<f64> {
    let cells = a_levels.checked_mul(b_levels).filter(|&cells| cells <= MOST_PAIRS)?;
    let mut joint = vec![0u64; cells];
    let (mut by_a, mut by_b) = (vec![0u64; a_levels], vec![0u64; b_levels]);
    let mut total = 0;
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (a as usize, b as usize);
        if a < a_levels && b < b_levels {
            joint[a * b_levels + b] += 1;
            by_a[a] += 1;
            by_b[b] += 1;
            total += 1;
        }
    }
    let information = entropy_bits(by_a, total) + entropy_bits(by_b, total) - entropy_bits(joint, total);
    Some(information.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(found: &[(&str, f64)], name: &str) -> Option<f64> {
        found.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    #[test]
    fn a_small_dataset() {
        let ab: Vec<String> = ["a", "b"].map(str::to_owned).into();
        let abc: Vec<String> = ["x", "y", "z"].map(str::to_owned).into();
        let x = [1.0, 2.0, f64::NAN, 4.0];
        let found = qualities(
            &[
                ("x", Column::Numeric(&x)),
                ("n", Column::Nominal { codes: &[0, 0, 1, 1], levels: &abc }),
                ("class", Column::Nominal { codes: &[0, 0, 1, MISSING], levels: &ab }),
            ],
            Some("class"),
        );
        for (name, value) in [
            ("NumberOfInstances", 4.0),
            ("NumberOfFeatures", 3.0),
            ("NumberOfClasses", 2.0),
            ("NumberOfMissingValues", 2.0),
            ("PercentageOfMissingValues", 100.0 / 6.0),
            ("NumberOfInstancesWithMissingValues", 2.0),
            ("NumberOfNumericFeatures", 1.0),
            ("NumberOfSymbolicFeatures", 2.0),
            ("NumberOfBinaryFeatures", 1.0),
            ("PercentageOfInstancesWithMissingValues", 50.0),
            ("MajorityClassSize", 2.0),
            ("MajorityClassPercentage", 50.0),
            ("MinorityClassPercentage", 25.0),
            ("Dimensionality", 0.75),
            ("AutoCorrelation", 1.0 - 2.0 / 3.0),
            ("MaxNominalAttDistinctValues", 2.0),
            ("ClassEntropy", 0.918_295_834_054_489_6),
            ("MeanMutualInformation", 0.918_295_834_054_489_6),
            ("MeanAttributeEntropy", 1.0),
        ] {
            let found = get(&found, name).unwrap_or(f64::NAN);
            assert!((found - value).abs() < 1e-12, "{name}: {found} instead of {value}");
        }
    }

    #[test]
    fn skewness_and_kurtosis_are_bias_corrected() {
        let values = [1.0, 2.0, 3.0, 4.0, 10.0];
        let (skewness, kurtosis) = shape_moments(&values, 4.0);
        assert!((skewness.unwrap() - 1.697_056_274_847_714).abs() < 1e-12);
        assert!((kurtosis.unwrap() - 3.152).abs() < 1e-12);
        assert_eq!(shape_moments(&[1.0, 1.0, 1.0, 1.0], 1.0), (None, None));
    }

    #[test]
    fn a_regression_target_has_no_classes() {
        let y = [1.0, 3.0, 2.0];
        let found = qualities(&[("y", Column::Numeric(&y))], Some("y"));
        assert_eq!(get(&found, "NumberOfClasses"), Some(0.0));
        assert_eq!(get(&found, "AutoCorrelation"), Some(-0.5));
        assert_eq!(get(&found, "MajorityClassSize"), None);
        assert!(qualities(&[], None).iter().all(|(_, value)| *value == 0.0));
    }
}
