//! A dataset from its description and its table.

use labboard_openml::document::{DataFeatures, DatasetDescription};
use labboard_openml::table::{Kind as FeatureKind, Table, Values};
use labboard_store::{About, NewDataset, Status, Store};

use super::{Format, IngestError, check_name, describe, extension, md5, read_table};

/// What becomes of a description's names of features that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    Refused,
    /// Old descriptions on openml.org name such features, and several in one element.
    Dropped,
}

/// Reads and describes a table, and writes its columns and its file; only the row in the catalogue is left to do. It
/// has no id and no uploader yet. `file` is for errors.
///
/// # Errors
/// The description and the table do not fit each other, or the table cannot be read.
pub fn new_dataset(
    store: &Store,
    file: &str,
    mut document: DatasetDescription,
    unknown: Unknown,
    format: Format,
    content: &[u8],
    declared: Option<&DataFeatures>,
) -> Result<NewDataset, IngestError> {
    let fail = |reason: String| IngestError::file(file, reason);
    check_name(&document.name).map_err(fail)?;
    let sum = md5(content);
    if let Some(expected) = &document.md5_checksum
        && !expected.eq_ignore_ascii_case(&sum)
    {
        return Err(fail(format!("its MD5 is {sum}, but the description says {expected}")));
    }
    let mut table = read_table(file, format, content)?;
    if let Some(declared) = declared {
        declare(&mut table, declared).map_err(|reason| fail(format!("features.xml: {reason}")))?;
    }
    if unknown == Unknown::Dropped {
        keep_known(&mut document, &table);
    }
    let ignored = document.ignore_attributes.clone();
    let named = [document.default_target_attribute.iter(), document.row_id_attribute.iter()].into_iter().flatten().chain(&ignored);
    for feature in named {
        if table.feature(feature).is_none() {
            return Err(fail(format!("there is no feature “{feature}”, which the description names")));
        }
    }
    let columns = store.columns().write(&table)?;
    drop(table);
    let (target, row_id) = (document.default_target_attribute.as_deref(), document.row_id_attribute.as_deref());
    let description = describe(store.columns(), &columns, target, row_id, &ignored)?;
    let stored = store.files().put(&format!("{}.{}", document.name, extension(format)), format.media_type(), content)?;
    Ok(NewDataset {
        id: None,
        name: document.name,
        version: document.version.map(i64::from),
        description: document.description,
        format: document.format,
        about: About {
            creators: document.creators,
            contributors: document.contributors,
            collection_date: document.collection_date,
            language: document.language,
            licence: document.licence,
            citation: document.citation,
            version_label: document.version_label,
            visibility: document.visibility,
            original_data_url: document.original_data_url,
            paper_url: document.paper_url,
            update_comment: document.update_comment,
            url: document.url,
            topics: Vec::new(),
        },
        default_target: document.default_target_attribute,
        row_id: document.row_id_attribute,
        ignored,
        status: Status::Active,
        uploader: 0,
        upload_ms: document.upload_date.as_deref().and_then(super::timestamp),
        md5: sum,
        columns,
        file: Some(stored),
        classes: description.classes,
        features: description.features,
        qualities: description.qualities,
    })
}

fn keep_known(document: &mut DatasetDescription, table: &Table) {
    let is_known = |name: &String| table.feature(name).is_some();
    document.default_target_attribute = document.default_target_attribute.take().filter(is_known);
    document.row_id_attribute = document.row_id_attribute.take().filter(is_known);
    let ignored = table.features.iter().map(|feature| &feature.name).filter(|name| document.ignores(name)).cloned().collect();
    document.ignore_attributes = ignored;
}

/// Gives the table's columns the types and levels that the document declares.
fn declare(table: &mut Table, declared: &DataFeatures) -> Result<(), String> {
    if declared.features.len() != table.features.len() {
        return Err(format!("it lists {} features, but the table has {} columns", declared.features.len(), table.features.len()));
    }
    for (feature, declared) in table.features.iter_mut().zip(&declared.features) {
        if feature.name != declared.name {
            return Err(format!("feature {} is “{}” here and “{}” in the table", declared.index, declared.name, feature.name));
        }
        let levels =
            (declared.data_type == FeatureKind::Nominal && !declared.nominal_values.is_empty()).then_some(&*declared.nominal_values);
        let values = std::mem::replace(&mut feature.values, Values::Numeric(Vec::new()));
        feature.values = values.retyped(declared.data_type, levels).map_err(|error| format!("feature “{}”: {error}", feature.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use labboard_openml::table::Feature;

    fn declared(xml: &str) -> DataFeatures {
        DataFeatures::read(&format!("<oml:data_features xmlns:oml=\"http://openml.org/openml\">{xml}</oml:data_features>"))
            .expect("features")
    }

    const NOMINAL: &str = "<oml:feature><oml:index>0</oml:index><oml:name>a</oml:name><oml:data_type>nominal</oml:data_type>\
        <oml:nominal_value>2</oml:nominal_value><oml:nominal_value>1</oml:nominal_value></oml:feature>";

    #[test]
    fn declared_types_and_levels_overrule_the_file() {
        let mut table =
            Table { features: vec![Feature { name: "a".to_owned(), values: Values::Numeric(vec![1.0, 2.0]) }], ..Table::default() };
        declare(&mut table, &declared(NOMINAL)).expect("it fits");
        let expected = Values::Nominal { codes: vec![1, 0], levels: vec!["2".to_owned(), "1".to_owned()] };
        assert_eq!(table.features[0].values, expected);
    }

    #[test]
    fn names_of_no_feature_are_dropped_and_lists_of_names_divided() {
        let feature = |name: &str| Feature { name: name.to_owned(), values: Values::Numeric(vec![1.0]) };
        let table = Table { features: ["a", "b", "c"].map(feature).into(), ..Table::default() };
        let mut document = DatasetDescription {
            default_target_attribute: Some("a,b".to_owned()),
            row_id_attribute: Some("a".to_owned()),
            ignore_attributes: vec!["b, c".to_owned(), "d".to_owned()],
            ..DatasetDescription::default()
        };
        keep_known(&mut document, &table);
        assert_eq!(document.default_target_attribute, None);
        assert_eq!(document.row_id_attribute.as_deref(), Some("a"));
        assert_eq!(document.ignore_attributes, ["b", "c"]);
    }

    #[test]
    fn a_value_that_is_not_declared_is_named() {
        let mut table =
            Table { features: vec![Feature { name: "a".to_owned(), values: Values::Numeric(vec![1.0, 3.0]) }], ..Table::default() };
        let error = declare(&mut table, &declared(NOMINAL)).expect_err("3 is no level");
        assert!(error.contains("“a”") && error.contains("\"3\" in data row 2"), "{error}");
        let mut other = Table { features: vec![Feature { name: "b".to_owned(), values: Values::Numeric(vec![1.0]) }], ..Table::default() };
        assert!(declare(&mut other, &declared(NOMINAL)).is_err());
    }
}
