BEGIN TRANSACTION;
CREATE TABLE jobs (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    painting TEXT NOT NULL,
    photos TEXT NOT NULL,
    output TEXT NOT NULL,
    job TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL DEFAULT '',
    error TEXT,
    again INTEGER NOT NULL DEFAULT 0,
    squeeze INTEGER NOT NULL DEFAULT 0,
    warnings TEXT NOT NULL DEFAULT '[]',
    figures TEXT NOT NULL DEFAULT '{}',
    hashes TEXT NOT NULL DEFAULT '{}',
    started REAL,
    ended REAL
);
INSERT INTO "jobs" VALUES('sub/done',0,1,'painting-0.png','["photo.jpg"]','out/sub/done.png','{"fault": null, "kind": "pair", "needs": null, "paintings": ["painting-0.png"], "settings": {"bits": null, "changes": {"discriminator_widths": [8, 8, 8, 8, 8], "mixed_precision": false, "width": 8}, "preset": "draft", "seconds": null, "seed": 0, "steps": 4}}','done',1,'54695a236ca31ea1c08918df4802405a8005957d2184f124bb0fb71dd57576a9',NULL,0,0,'["dark"]','{"seconds": 1.0, "steps": 4}','{"painting-0.png": [[10, 1795656809340333638], "d522e57f0e486bf063f96582f81678d7c12773491bb0df164cb57b59b06ef768"], "photo.jpg": [[5, 1795656809340773244], "55c64d0fcd6f9d5f7c828093857e3fdfda68478bb4e9bd24d481ef391c7804e8"], "out/sub/done.png": [[16, 1795656809569115081], "cf96bf4c378e5ebd53f58d5f2f53ef6cfb1b1f6a067d5e28da900f0c7f4d92a8"]}',1.79565680956389331812e+09,1.79565680956948256494e+09);
INSERT INTO "jobs" VALUES('failed',1,1,'painting-1.png','["photo.jpg"]','out/failed.tif','{"fault": null, "kind": "pair", "needs": null, "paintings": ["painting-1.png"], "settings": {"bits": 16, "changes": {}, "preset": "standard", "seconds": 90.0, "seed": 3, "steps": null}}','failed',3,'c84ffe04084f7f7ca8bae8e570ab7fe48dcb7ae9a26961c340097d42718b780d','no luck',1,0,'[]','{}','{"painting-1.png": [[10, 1795656809340530335], "d3dfcfd127b5cd7904d5510c1810bf7d847e27a781827f574734f2a5a4529ded"], "photo.jpg": [[5, 1795656809340773244], "55c64d0fcd6f9d5f7c828093857e3fdfda68478bb4e9bd24d481ef391c7804e8"]}',1.7956568096528921127e+09,1.79565680965352702136e+09);
INSERT INTO "jobs" VALUES('hopeless',2,1,'painting-2.png','["photo.jpg"]','out/hopeless.png','{"fault": null, "kind": "pair", "needs": null, "paintings": ["painting-2.png"], "settings": {"bits": null, "changes": {}, "preset": "standard", "seconds": null, "seed": 0, "steps": null}}','failed',1,'7247b8e8c21c13e0732f1ec1fa829b0ca6dfa16b6d34aece6c4230790e1f0804','a narrow picture',0,0,'[]','{}','{"painting-2.png": [[10, 1795656809340593295], "1707b62a69676849d281cf79ae48767d52dbf2e21d57961149e2799d16ca1a13"], "photo.jpg": [[5, 1795656809340773244], "55c64d0fcd6f9d5f7c828093857e3fdfda68478bb4e9bd24d481ef391c7804e8"]}',1.79565680959462785717e+09,1.7956568096087627411e+09);
INSERT INTO "jobs" VALUES('faulty',3,1,'painting-3.png','[]','out/faulty.png','{"fault": "there is no photo", "kind": "pair", "needs": null, "paintings": ["painting-3.png"], "settings": {"bits": null, "changes": {"discriminator_widths": [8, 8, 8, 8, 8], "mixed_precision": false, "width": 8}, "preset": "draft", "seconds": null, "seed": 0, "steps": 4}}','failed',0,'','there is no photo',0,0,'[]','{}','{}',NULL,1.79565680937429046626e+09);
INSERT INTO "jobs" VALUES('left',4,1,'painting-3.png','["photo.jpg"]','out/left.png','{"fault": null, "kind": "pair", "needs": null, "paintings": ["painting-3.png"], "settings": {"bits": null, "changes": {"discriminator_widths": [8, 8, 8, 8, 8], "mixed_precision": false, "width": 8}, "preset": "draft", "seconds": null, "seed": 0, "steps": 4}}','running',1,'69c0b8a3bf05fca66d4b2e0074aa8558ecf5aebcc9fef3737b22e7d9fc5d1bad',NULL,0,0,'[]','{"seconds": 1.0, "steps": 4}','{"painting-3.png": [[10, 1795656809340690110], "e7e9091f21ee380a92bfb233c14434eb0adbc4fb6464b67212df304ccfb446e8"], "photo.jpg": [[5, 1795656809340773244], "55c64d0fcd6f9d5f7c828093857e3fdfda68478bb4e9bd24d481ef391c7804e8"], "out/left.png": [[12, 1795656809620210821], "f88600fe7ef164a554e3043c09a75ab6ce7c97742dc358ee4a63a20e9e1c1192"]}',1.79565680961085963251e+09,1.79565680962041449549e+09);
INSERT INTO "jobs" VALUES('shared-model',5,1,'painting-0.png','["photo.jpg"]','','{"fault": null, "kind": "series", "needs": null, "paintings": ["painting-0.png", "painting-1.png"], "settings": {"bits": null, "changes": {"discriminator_widths": [8, 8, 8, 8, 8], "mixed_precision": false, "width": 8}, "preset": "draft", "seconds": null, "seed": 0, "steps": 4}}','done',1,'1195f18693bb937f407fcf7d5d68a2f343731e8dda3b5ba17f141573b9a71718',NULL,0,0,'[]','{"seconds": 1.0, "steps": 4}','{"painting-0.png": [[10, 1795656809340333638], "d522e57f0e486bf063f96582f81678d7c12773491bb0df164cb57b59b06ef768"], "painting-1.png": [[10, 1795656809340530335], "d3dfcfd127b5cd7904d5510c1810bf7d847e27a781827f574734f2a5a4529ded"], "photo.jpg": [[5, 1795656809340773244], "55c64d0fcd6f9d5f7c828093857e3fdfda68478bb4e9bd24d481ef391c7804e8"]}',1.7956568096254880428e+09,1.79565680962859201431e+09);
INSERT INTO "jobs" VALUES('applied',6,1,'painting-0.png','[]','out/applied.png','{"fault": null, "kind": "apply", "needs": "shared-model", "paintings": ["painting-0.png"], "settings": {"bits": null, "changes": {"discriminator_widths": [8, 8, 8, 8, 8], "mixed_precision": false, "width": 8}, "preset": "draft", "seconds": null, "seed": 0, "steps": 4}}','done',1,'7c24d2c11203a327db1dbc179cb7dc039e08c48e73e0fb300323daeda87f0a8b',NULL,0,0,'[]','{"seconds": 1.0, "steps": 4}','{"painting-0.png": [[10, 1795656809340333638], "d522e57f0e486bf063f96582f81678d7c12773491bb0df164cb57b59b06ef768"], "out/applied.png": [[15, 1795656809637753912], "ecbf7eb8e37521b48298ae7afa14a33e1d23dc65e2cb117fc056f4fe22fa4e53"]}',1.79565680963653588296e+09,1.79565680963795828821e+09);
COMMIT;
PRAGMA user_version = 1;
