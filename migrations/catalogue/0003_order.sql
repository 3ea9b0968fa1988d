-- Lists are in the order of ids: with the id in the index, a filtered list is one
-- range that is read from where the page before it ended.

DROP INDEX run_by_task;
DROP INDEX run_by_flow;
DROP INDEX run_by_setup;
DROP INDEX run_by_dataset;
DROP INDEX run_by_uploader;
DROP INDEX run_by_upload;
CREATE INDEX run_by_task ON run (task_id, id);
CREATE INDEX run_by_flow ON run (flow_id, id);
CREATE INDEX run_by_setup ON run (setup_id, id);
CREATE INDEX run_by_dataset ON run (dataset_id, id);
CREATE INDEX run_by_uploader ON run (uploader, id);
CREATE INDEX run_by_upload ON run (upload_ms, id);

DROP INDEX setup_by_flow;
CREATE INDEX setup_by_flow ON setup (flow_id, id);

DROP INDEX tag_by_tag;
CREATE INDEX tag_by_tag ON tag (kind, tag, entity_id);

CREATE INDEX evaluation_by_uploader ON evaluation (uploader, measure, run_id);
CREATE INDEX evaluation_by_value ON evaluation (measure, value, run_id);
