use serde::Serialize;

use super::writer;
use super::writer::Writer;

/// `oml:setup_parameters`: a flow with a value for each of its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetupParameters {
    pub setup_id: u32,
    pub flow_id: u32,
    #[serde(rename = "parameter")]
    pub parameters: Vec<SetupParameter>,
}

/// A parameter of a setup. All elements are written, also the empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetupParameter {
    /// The parameter's own id.
    pub id: u32,
    /// The flow that has the parameter: that of the setup or a component of it.
    pub flow_id: u32,
    pub flow_name: String,
    /// The flow's name with its version in parentheses, an underscore, the parameter's name.
    pub full_name: String,
    pub parameter_name: String,
    pub data_type: String,
    pub default_value: String,
    pub value: String,
}

impl SetupParameters {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("setup_parameters", |out| self.write_inside(out))
    }

    fn write_inside(&self, out: &mut Writer) {
        out.number("setup_id", self.setup_id);
        out.number("flow_id", self.flow_id);
        for parameter in &self.parameters {
            out.element("parameter", |out| {
                out.number("id", parameter.id);
                out.number("flow_id", parameter.flow_id);
                out.text("flow_name", &parameter.flow_name);
                out.text("full_name", &parameter.full_name);
                out.text("parameter_name", &parameter.parameter_name);
                out.text("data_type", &parameter.data_type);
                out.text("default_value", &parameter.default_value);
                out.text("value", &parameter.value);
            });
        }
    }
}

/// `oml:setups`: setups, each with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetupList {
    #[serde(rename = "setup")]
    pub setups: Vec<SetupParameters>,
}

impl SetupList {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("setups", |out| {
            for setup in &self.setups {
                out.element("setup", |out| setup.write_inside(out));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_all_elements() {
        let parameter = SetupParameter {
            id: 5,
            flow_id: 13,
            flow_name: "garden.Scaler".to_owned(),
            full_name: "garden.Scaler(1)_with_mean".to_owned(),
            parameter_name: "with_mean".to_owned(),
            value: "\"<yes>\"".to_owned(),
            ..SetupParameter::default()
        };
        let setup = SetupParameters { setup_id: 4, flow_id: 12, parameters: vec![parameter] };
        let expected = r#"<oml:setup_parameters xmlns:oml="http://openml.org/openml">
  <oml:setup_id>4</oml:setup_id>
  <oml:flow_id>12</oml:flow_id>
  <oml:parameter>
    <oml:id>5</oml:id>
    <oml:flow_id>13</oml:flow_id>
    <oml:flow_name>garden.Scaler</oml:flow_name>
    <oml:full_name>garden.Scaler(1)_with_mean</oml:full_name>
    <oml:parameter_name>with_mean</oml:parameter_name>
    <oml:data_type></oml:data_type>
    <oml:default_value></oml:default_value>
    <oml:value>&quot;&lt;yes&gt;&quot;</oml:value>
  </oml:parameter>
</oml:setup_parameters>
"#;
        assert_eq!(setup.write(), expected);
        let list = SetupList { setups: vec![setup.clone(), SetupParameters { parameters: Vec::new(), ..setup }] }.write();
        assert_eq!(list.matches("  <oml:setup>\n    <oml:setup_id>4</oml:setup_id>\n    <oml:flow_id>12</oml:flow_id>\n").count(), 2);
        assert!(list.starts_with("<oml:setups ") && list.contains("      <oml:flow_id>13</oml:flow_id>\n"), "{list}");
    }
}
