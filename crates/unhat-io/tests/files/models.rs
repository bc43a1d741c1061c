//! A model goes into a file and comes back; what is no model is refused.

use super::{data, file, message};
use unhat_io::{check_model_output, read_frame, read_model, write_model};
use unhat_models::models::{
    Activation, Encoding, Model, ModelKind, Network, Objective, Response, Scaling, Wanted, evaluate, fit,
};

/// Stack loss, by least squares: the coefficients of a published table (Brownlee 1965; R's `stackloss`), in the units of
/// the columns.
fn stack_loss() -> Model {
    let table = read_frame(&data("stackloss.csv")).unwrap();
    let rows: Vec<usize> = (0..table.rows()).collect();
    let response = Response::fit(&table, "STACKLOSS", Wanted::Value, &rows).unwrap();
    let (encoding, _) = Encoding::fit(&table, &["STACKLOSS"], &rows, Scaling::None).unwrap();
    let features = encoding.encode(&table, &rows).unwrap().values;
    let y = response.encode(&table, &rows).unwrap();
    let objective = Objective::new(&features, encoding.width(), &y, response.family(Wanted::Value), 0.0).unwrap();
    let network = fit(&objective, None, &unhat::Run::default()).unwrap().network;
    for (found, published) in network.flatten().iter().zip([0.7156402, 1.2952861, -0.1521225, -39.9196744]) {
        assert!((found - published).abs() < 5e-8, "{found} {published}");
    }
    let loss = evaluate(&network, &features, &y, &unhat::Run::default()).unwrap().mean_loss;
    assert!((2.0 * 21.0 * loss - 178.83).abs() < 5e-3, "the residual sum of squares of the same table: {loss}");
    Model { kind: ModelKind::Linear, recipe: None, encoding, response, scaling: Scaling::None, penalty: 0.0, network }
}

#[test]
fn a_model_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors").to_str().unwrap().to_string();
    check_model_output(&path).unwrap();
    let mut model = stack_loss();
    write_model(&path, &model).unwrap();
    assert_eq!(read_model(&path).unwrap(), model);
    let width = model.encoding.width();
    model.kind = "mlp:3".parse().unwrap();
    model.network = Network::zeros(width, &[3], Activation::Relu, model.network.family);
    write_model(&path, &model).unwrap();
    assert_eq!(read_model(&path).unwrap(), model, "written over");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn files_that_cannot_be_models() {
    let (_folder, path) = file("m.safetensors", "not one");
    assert!(message(read_model(&path)).contains("is no safetensors file"));
    assert!(message(read_model("m.csv")).contains("unknown suffix \".csv\", expected .safetensors"));
    assert!(message(read_model("no/such.safetensors")).contains("no such file"));
    assert!(message(write_model("m.bin", &stack_loss())).contains("unknown suffix"));
    assert!(message(check_model_output("no/such/m.safetensors")).contains("no directory"));
}
