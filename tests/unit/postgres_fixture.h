/* SPDX-License-Identifier: MIT */
/*
 * A PostgreSQL server of its own for unit tests, run by tests/e2e/postgres.py. It ends with the test,
 * however that ends: its standard input is closed then.
 */
#ifndef TESTS_UNIT_POSTGRES_FIXTURE_H
#define TESTS_UNIT_POSTGRES_FIXTURE_H

#include <postgresql/libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
	FILE *to, *from; /* NULL: it could not be started */
	pid_t pid;
	char url[200]; /* for user postgres */
};

static struct server server;

static void server_run(int in, int out)
{
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	closefrom(STDERR_FILENO + 1);
	execlp("/usr/bin/python3", "python3", "tests/e2e/postgres.py", "serve", NULL);
	_exit(127);
}

static void server_stop(void)
{
	if (server.to)
		fclose(server.to);
	if (server.from)
		fclose(server.from);
	waitpid(server.pid, NULL, 0);
	server = (struct server){0};
}

/* False if none can be started here; why has been printed. The tests are to be skipped then. */
static bool server_start(void)
{
	int in[2], out[2];

	if (pipe(in) || pipe(out))
		return false;
	server.pid = fork();
	if (!server.pid)
		server_run(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	server.to = fdopen(in[1], "w");
	server.from = fdopen(out[0], "r");
	if (!fgets(server.url, sizeof(server.url), server.from)) {
		fprintf(stderr, "no PostgreSQL server: its tests are skipped\n");
		server_stop();
		return false;
	}
	server.url[strcspn(server.url, "\n")] = '\0';
	return true;
}

/* `stop`, `start`, `restart`, or `crash` and start again; returns when it is done. */
__attribute__((unused)) static void server_do(const char *command)
{
	char answer[10];

	fprintf(server.to, "%s\n", command);
	fflush(server.to);
	if (!fgets(answer, sizeof(answer), server.from) || strcmp(answer, "ok\n") != 0)
		fail_msg("the server did not %s", command);
}

/* Runs statements as another program would. */
__attribute__((unused)) static void server_sql(const char *text)
{
	PGconn *conn = PQconnectdb(server.url);
	PGresult *result = PQexec(conn, text);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

#endif
