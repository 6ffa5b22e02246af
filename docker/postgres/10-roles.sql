-- Roles and databases, made once, when the cluster is made. The same names as in the embedded run.
-- The owner migrates; web and workers use hokusai_app, whose rights `manage.py grant_runtime` gives.
\set ON_ERROR_STOP on
\set owner_password `cat "${SECRETS_FOLDER:-/run/secrets}/owner_password"`
\set app_password `cat "${SECRETS_FOLDER:-/run/secrets}/app_password"`
\set mlflow_password `cat "${SECRETS_FOLDER:-/run/secrets}/mlflow_password"`

CREATE ROLE hokusai_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
CREATE ROLE hokusai_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'app_password';
CREATE ROLE hokusai_mlflow LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'mlflow_password';

CREATE DATABASE hokusai OWNER hokusai_owner;
CREATE DATABASE mlflow OWNER hokusai_mlflow;
REVOKE ALL ON DATABASE hokusai FROM PUBLIC;
REVOKE ALL ON DATABASE mlflow FROM PUBLIC;
GRANT CONNECT ON DATABASE hokusai TO hokusai_app;

\connect hokusai
ALTER SCHEMA public OWNER TO hokusai_owner;
-- Up to version 14 everybody may create tables in it.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
