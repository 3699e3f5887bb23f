/* The options of an ordinary call. Go's model: sapi/getopt, cli/options.go, cgi/options.go, Define in sapi/ini.go. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "start.h"

/* The options without an argument, and those with one, of php and of php-cgi. They are Go's, too: tests of cli and cgi look. */
#define CLI_FLAGS "Cenlq"
#define CLI_PARAMETERS "cdfr"
#define CGI_FLAGS "n"
#define CGI_PARAMETERS "cd"

/* -d: the argument becomes a line of php.ini. */
static void define(struct start_options *o, const char *argument)
{
	const char *value = strchr(argument, '=');
	char *before = o->entries, *entries = before ? before : "";

	if (!value) {
		o->entries = start_text("%s%s=1\n", entries, argument);
	} else if (!value[1] || isalnum((unsigned char)value[1]) || value[1] == '"' || value[1] == '\'') {
		o->entries = start_text("%s%s\n", entries, argument);
	} else {
		o->entries = start_text("%s%.*s=\"%s\"\n", entries, (int)(value - argument), argument, value + 1);
	}
	free(before); /* there may be thousands */
}

/* Takes an option. 0: with an earlier one it means something else. */
static int take(struct start_options *o, char letter, const char *argument)
{
	switch (letter) {
	case 'c':
		o->ini_override = argument;
		break;
	case 'd':
		define(o, argument);
		break;
	case 'e':
		o->extended_info = 1;
		break;
	case 'f':
		if (o->file || o->code) {
			return 0;
		}
		o->file = argument;
		break;
	case 'l':
		o->lint = 1;
		break;
	case 'n':
		o->ignore_ini = 1;
		break;
	case 'r':
		if (o->file || o->code) {
			return 0;
		}
		o->code = argument;
		break;
	}
	return !(o->lint && o->code);
}

/* Reads the letters of a word; argv[*i] is the word, or becomes the argument of its last letter. */
static int read_word(const struct start_call *call, int *i, struct start_options *o)
{
	const char *flags = call->cgi ? CGI_FLAGS : CLI_FLAGS, *parameters = call->cgi ? CGI_PARAMETERS : CLI_PARAMETERS, *at;

	for (at = call->argv[*i] + 1; *at; at++) {
		if (strchr(flags, *at)) {
			if (!take(o, *at, NULL)) {
				return 0;
			}
		} else if (!strchr(parameters, *at)) {
			return 0;
		} else if (at[1]) {
			return take(o, *at, at + (at[1] == '=' ? 2 : 1));
		} else {
			return ++*i < call->argc && take(o, *at, call->argv[*i]);
		}
	}
	return 1;
}

int start_read_options(const struct start_call *call, struct start_options *o)
{
	int i;

	*o = (struct start_options){0};
	for (i = call->first; i < call->argc; i++) {
		const char *word = call->argv[i];
		if (word[0] != '-' || !word[1]) {
			break;
		}
		if (strcmp(word, "--") == 0) {
			i++;
			break;
		}
		if (!read_word(call, &i, o)) {
			return 0;
		}
	}
	o->rest = i;
	o->ended = i > call->first && strcmp(call->argv[i - 1], "--") == 0;
	return 1;
}
