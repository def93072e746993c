BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE dataset (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	source_name TEXT NOT NULL, 
	source_path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	field_map TEXT NOT NULL, 
	file_format VARCHAR(16) NOT NULL, 
	compression VARCHAR(8) NOT NULL, 
	examples INTEGER NOT NULL, 
	problems INTEGER NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	is_demo BOOLEAN NOT NULL, 
	created_at DOUBLE NOT NULL, 
	created_by TEXT NOT NULL
);
INSERT INTO "dataset" VALUES(1,'mails.jsonl','mails.jsonl','uploads/c2ac5a7b7a66b3ddc0ec4c785f211590d4e6b51ff607dbbd368bc47efbfa1922','c2ac5a7b7a66b3ddc0ec4c785f211590d4e6b51ff607dbbd368bc47efbfa1922','{"shape": "prompt_response", "prompt": "prompt", "input": "", "system": "", "response": "response", "history": "", "id": "id", "category": "", "context": ""}','jsonl','',4,1,'ready',0,1.79517301867302155491e+09,'ada');
CREATE TABLE decision (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uid VARCHAR(64) NOT NULL, 
	dataset_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	example_id TEXT NOT NULL, 
	action VARCHAR(8) NOT NULL, 
	fate VARCHAR(8), 
	response TEXT, 
	reviewer TEXT NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	undoes VARCHAR(64), 
	note TEXT NOT NULL, 
	shown TEXT NOT NULL, 
	policy_id INTEGER, 
	model TEXT NOT NULL, 
	confidence DOUBLE, 
	preference DOUBLE, 
	CONSTRAINT fk_decision_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id), 
	CONSTRAINT fk_decision_policy_id_policy FOREIGN KEY(policy_id) REFERENCES policy (id), 
	CONSTRAINT uq_decision_uid UNIQUE (uid)
);
INSERT INTO "decision" VALUES(1,'3e37caf19469445294e0c504c818abef',1,2,'q2','accept','drop',NULL,'ada','2026-01-02T03:04:05+00:00',NULL,'""','{"policy":"first v1","gamma":0.2,"eta":0.8,"model":"m","confidence":0.2,"preference":0.3}',1,'m',0.2,0.3);
CREATE TABLE example (
	dataset_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	example_id TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	response TEXT NOT NULL, 
	meta TEXT NOT NULL, 
	CONSTRAINT pk_example PRIMARY KEY (dataset_id, "row"), 
	CONSTRAINT fk_example_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id)
);
INSERT INTO "example" VALUES(1,0,'q0','[{"role":"user","content":"p0"}]','r0','{"id":"q0"}');
INSERT INTO "example" VALUES(1,1,'q1','[{"role":"user","content":"p1"}]','r1','{"id":"q1"}');
INSERT INTO "example" VALUES(1,2,'q2','[{"role":"user","content":"p2"}]','r2','{"id":"q2"}');
INSERT INTO "example" VALUES(1,4,'q4','[{"role":"user","content":"p4"}]','r4','{"id":"q4"}');
CREATE TABLE policy (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dataset_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	score_run_id INTEGER NOT NULL, 
	correct_run_id INTEGER, 
	gamma VARCHAR(32) NOT NULL, 
	gamma_value DOUBLE NOT NULL, 
	eta DOUBLE NOT NULL, 
	scope VARCHAR(8) NOT NULL, 
	created_at DOUBLE NOT NULL, 
	created_by TEXT NOT NULL, 
	CONSTRAINT fk_policy_correct_run_id_run FOREIGN KEY(correct_run_id) REFERENCES run (id), 
	CONSTRAINT fk_policy_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id), 
	CONSTRAINT fk_policy_score_run_id_run FOREIGN KEY(score_run_id) REFERENCES run (id), 
	CONSTRAINT uq_policy_dataset_id UNIQUE (dataset_id, name, version)
);
INSERT INTO "policy" VALUES(1,1,'first',1,1,2,'median',0.2,0.8,'low',1.79517301873559331892e+09,'ada');
CREATE TABLE preference (
	run_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	example_id TEXT NOT NULL, 
	accepted DOUBLE, 
	preference DOUBLE, 
	verdict VARCHAR(16), 
	candidate TEXT, 
	model TEXT NOT NULL, 
	candidate_model TEXT NOT NULL, 
	measure TEXT NOT NULL, 
	prompt_version TEXT NOT NULL, 
	calls INTEGER NOT NULL, 
	problem VARCHAR(32), 
	rejected TEXT, 
	evidence TEXT NOT NULL, samples INTEGER DEFAULT '0' NOT NULL, temperature DOUBLE, 
	CONSTRAINT pk_preference PRIMARY KEY (run_id, "row"), 
	CONSTRAINT fk_preference_run_id_run FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "preference" VALUES(2,0,'q0',0.9,0.9,'candidate','"better 0"','','','','',0,NULL,NULL,'{}',5,1.0);
INSERT INTO "preference" VALUES(2,2,'q2',0.3,0.3,'candidate','"better 2"','','','','',0,NULL,NULL,'{}',5,1.0);
CREATE TABLE round (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dataset_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	score_run_id INTEGER NOT NULL, 
	correct_run_id INTEGER, 
	policy_id INTEGER, 
	train_run_id INTEGER, 
	registered TEXT, 
	note TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	created_by TEXT NOT NULL, 
	CONSTRAINT fk_round_correct_run_id_run FOREIGN KEY(correct_run_id) REFERENCES run (id), 
	CONSTRAINT fk_round_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id), 
	CONSTRAINT fk_round_policy_id_policy FOREIGN KEY(policy_id) REFERENCES policy (id), 
	CONSTRAINT fk_round_score_run_id_run FOREIGN KEY(score_run_id) REFERENCES run (id), 
	CONSTRAINT fk_round_train_run_id_run FOREIGN KEY(train_run_id) REFERENCES run (id), 
	CONSTRAINT uq_round_dataset_id UNIQUE (dataset_id, number)
);
INSERT INTO "round" VALUES(1,1,1,'Round 1',1,2,1,NULL,'{"base_url": "http://127.0.0.1:9/v1", "model": "tuned", "adapter": ""}','',1800000000.0,'ada');
CREATE TABLE row_problem (
	dataset_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	CONSTRAINT pk_row_problem PRIMARY KEY (dataset_id, "row"), 
	CONSTRAINT fk_row_problem_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id)
);
INSERT INTO "row_problem" VALUES(1,3,'""','"Not valid JSON: Expecting property name enclosed in double quotes (character 2). Correct the record or leave it out."','"{broken\n"');
CREATE TABLE run (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dataset_id INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	config TEXT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	request VARCHAR(16) NOT NULL, 
	retry_problems BOOLEAN NOT NULL, 
	done INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	calls_reserved BIGINT NOT NULL, 
	calls_paid BIGINT NOT NULL, 
	calls_replayed BIGINT NOT NULL, 
	tokens_in BIGINT NOT NULL, 
	tokens_out BIGINT NOT NULL, 
	problems TEXT NOT NULL, 
	message TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	recipe TEXT NOT NULL, 
	rate_per_s DOUBLE, 
	version INTEGER NOT NULL, 
	token INTEGER NOT NULL, 
	owner_host TEXT NOT NULL, 
	owner_pid INTEGER, 
	heartbeat_at DOUBLE, 
	created_at DOUBLE NOT NULL, 
	created_by TEXT NOT NULL, 
	started_at DOUBLE, 
	finished_at DOUBLE, state TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT fk_run_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id)
);
INSERT INTO "run" VALUES(1,1,'score','{"kind":"score","model":"m","base_url":"","adapter":"","measure":"","similarity":"","samples":5,"temperature":1.0,"concurrency":8,"limit":null,"max_calls":null,"trial":false,"nli":"","with_question":false,"labels":["a","b"],"letter_probabilities":true,"together":null,"stop_early":true,"pilot":2,"samples_field":"","reflection_field":"","score_field":"","scale":"","lower_is_better":false,"scorer":"","candidates":[],"weak_candidates":false,"preference_field":"","verdicts_field":"","score_run_id":null,"gamma":"median","scope":"low","policy_id":null,"train":null}','done','',0,4,4,0,0,0,0,0,'{"timeout":1}','','','{}',NULL,1,1,'vm',NULL,1.79517301872217845916e+09,1.79517301870919370647e+09,'ada',1.79517301871371269227e+09,1.79517301872217869759e+09,'{}');
INSERT INTO "run" VALUES(2,1,'correct','{"kind":"correct","model":"","base_url":"","adapter":"","measure":"","similarity":"","samples":5,"temperature":1.0,"concurrency":8,"limit":null,"max_calls":null,"trial":false,"nli":"","with_question":false,"labels":[],"letter_probabilities":true,"together":null,"stop_early":false,"pilot":150,"samples_field":"","reflection_field":"","score_field":"","scale":"","lower_is_better":false,"scorer":"","candidates":[{"model":{"base_url":"http://127.0.0.1:9/v1","model":"tuned","adapter":""},"column":"","label":""},{"model":null,"column":"other","label":""}],"weak_candidates":false,"preference_field":"","verdicts_field":"","score_run_id":1,"gamma":"median","scope":"low","policy_id":null,"train":null}','done','',0,2,0,0,0,0,0,0,'{}','','','{}',NULL,1,1,'vm',NULL,1.79517301873344135281e+09,1.79517301872665548329e+09,'ada',1.79517301872828030587e+09,1.79517301873344159121e+09,'{}');
CREATE TABLE score (
	run_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	example_id TEXT NOT NULL, 
	confidence DOUBLE, 
	consistency DOUBLE, 
	tie BIGINT NOT NULL, 
	reflection DOUBLE, 
	likelihood DOUBLE, 
	measure TEXT NOT NULL, 
	model TEXT NOT NULL, 
	prompt_version TEXT NOT NULL, 
	samples INTEGER NOT NULL, 
	calls INTEGER NOT NULL, 
	problem VARCHAR(32), 
	evidence TEXT NOT NULL, temperature DOUBLE, lower DOUBLE, upper DOUBLE, 
	CONSTRAINT pk_score PRIMARY KEY (run_id, "row"), 
	CONSTRAINT fk_score_run_id_run FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "score" VALUES(1,0,'q0',0.1,0.1,2195274083305894413,NULL,NULL,'bsdetector/exact','m','',5,7,NULL,'{}',1.0,0.05,0.15);
INSERT INTO "score" VALUES(1,1,'q1',0.9,0.9,-1764431779661184920,NULL,NULL,'bsdetector/exact','m','',5,7,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "score" VALUES(1,2,'q2',0.2,0.2,7646424874958988394,NULL,NULL,'bsdetector/exact','m','',5,7,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "score" VALUES(1,4,'q4',NULL,NULL,1932519454562309460,NULL,NULL,'bsdetector/exact','m','',5,7,'timeout','{}',NULL,NULL,NULL);
CREATE TABLE standing (
	dataset_id INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	state INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	decision_seq INTEGER, 
	CONSTRAINT pk_standing PRIMARY KEY (dataset_id, "row"), 
	CONSTRAINT fk_standing_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id), 
	CONSTRAINT fk_standing_decision_seq_decision FOREIGN KEY(decision_seq) REFERENCES decision (seq)
);
INSERT INTO "standing" VALUES(1,2,3,1,1);
CREATE INDEX ix_dataset_sha256 ON dataset (sha256);
CREATE INDEX ix_run_dataset_id ON run (dataset_id);
CREATE INDEX ix_preference_table ON preference (run_id, "row", accepted);
CREATE INDEX ix_score_table ON score (run_id, "row", confidence, consistency, tie);
CREATE INDEX ix_decision_dataset_log ON decision (dataset_id, seq);
CREATE INDEX ix_decision_dataset_reviewer ON decision (dataset_id, reviewer, seq);
CREATE INDEX ix_decision_dataset_row ON decision (dataset_id, "row");
CREATE INDEX ix_decision_undoes ON decision (undoes);
CREATE INDEX ix_standing_changes ON standing (dataset_id, seq, "row", state);
CREATE INDEX ix_score_interval ON score (run_id, "row", lower, upper) WHERE lower IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('dataset',1);
INSERT INTO "sqlite_sequence" VALUES('run',2);
INSERT INTO "sqlite_sequence" VALUES('policy',1);
INSERT INTO "sqlite_sequence" VALUES('decision',1);
INSERT INTO "sqlite_sequence" VALUES('round',1);
COMMIT;
