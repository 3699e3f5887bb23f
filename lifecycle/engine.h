/*
 * The engine as Go sees it: plain C types, no header of PHP's.
 *
 * Order of calls, all on the process's main thread:
 *
 *   engine_load
 *   engine_module_startup
 *     engine_request_startup            \
 *     engine_script_... / engine_...     > per request
 *     engine_request_shutdown           /
 *   engine_module_shutdown
 */
#ifndef PHPSAPI_ENGINE_H
#define PHPSAPI_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- libphp.c: the engine's shared object ---- */

enum engine_load_result {
	ENGINE_LOADED = 0,
	ENGINE_NOT_OPENED,      /* dlopen failed; detail is dlerror's text */
	ENGINE_NOT_PHP,         /* not a libphp; detail is the missing symbol */
	ENGINE_OTHER_BUILD,     /* another version or build; detail is its build id */
	ENGINE_OTHER_LAYOUT,    /* a structure has another size; detail is its name, its size and the limit, by spaces */
	ENGINE_LACKS_SYMBOL,    /* it is PHP; detail is the symbol that it lacks */
};

/* Loads libphp from path (a file or a name for the loader's search). detail receives at most size bytes. */
enum engine_load_result engine_load(const char *path, char *detail, size_t size);

const char *engine_header_version(void);   /* PHP_VERSION of the headers, such as 8.2.36 */
const char *engine_header_build_id(void);  /* ZEND_MODULE_BUILD_ID of the headers, such as API20220829,NTS */

const char *engine_path(void);           /* the file the loaded engine came from */
const char *engine_loaded_version(void); /* PHP_VERSION of the loaded engine, started or not; "" if it cannot be told */

/* ---- process.c, atexec.c: what the process was given at exec ---- */

/* Gives the main thread the signal state and limits that exec left, and closes all other threads to signals, so that
 * PHP finds the process as php's own main would. Called once, before PHP runs. */
void engine_take_process(void);

/* Gives the calling thread the processors and the timer slack that exec left: a runtime that only calls PHP is kept
 * small, and the children it starts must not inherit that. */
void engine_restore_scheduling(void);

/* Says that the Go runtime is up: from now on C may call Go. */
void engine_go_is_ready(void);

/* ---- newthread.c: how Go's threads are started ---- */

/* Says that the process has begun: where a thread cannot be made it waits for room as long as it takes, and does not
 * end. With reserved it keeps a few threads for such times. */
void engine_wait_for_threads(int reserved);

/* Memory of argv[i] as the kernel shows it; NULL past the end. */
char *engine_argv(int i);
/* The path that the process was executed by; NULL if the kernel does not say. */
const char *engine_executable(void);

/* ---- module.c: module startup and shutdown ---- */

struct engine_pair {
	const char *name;
	const char *value;
};

/* Decides which callbacks, functions and settings a module gets. */
enum engine_front_end {
	ENGINE_CLI,
	ENGINE_CLI_SERVER,
	ENGINE_CGI,
	ENGINE_FPM,
};

/* A front end's sapi_module_struct. All strings must live until engine_module_shutdown. */
struct engine_module {
	enum engine_front_end front_end;
	const char *name;               /* php_sapi_name() */
	const char *pretty_name;
	const char *binary;             /* PHP_BINARY */
	const char *ini_path;           /* php.ini, or directories to search for it; NULL for none */
	const char *ini_dir;            /* PHP_CONFIG_FILE_PATH */
	const char *ini_scan_default;   /* PHP_CONFIG_FILE_SCAN_DIR */
	const char *ini_scan_dir;       /* PHP_INI_SCAN_DIR during startup, every default expanded */
	const char *ini_entries;        /* settings over php.ini, one a line */
	const struct engine_pair *ini_defaults;
	size_t ini_defaults_len;        /* settings under php.ini */
	int ini_ignore;
	int phpinfo_as_text;
	int dl;                         /* offer dl() */
	int without_pcntl;              /* leave out the extension pcntl where libphp has it built in */
	int extended_info;              /* compile with ZEND_COMPILE_EXTENDED_INFO */
};

int engine_module_startup(const struct engine_module *module);
void engine_module_shutdown(void);

/* ---- constants.c ---- */

/* Writes each constant of the started engine to a file and closes it: its name and its value as a string, each after its
 * length, a uint32_t. 0, or -1 with errno. */
int engine_write_constants(int fd);

/* ---- request.c: what every front end's request shares ---- */

int engine_exit_status(void);
void engine_set_exit_status(int status);
int engine_request_startup(void);
void engine_request_shutdown(void);
/* sapi_deactivate, for what was printed outside of any request. */
void engine_deactivate(void);

/* Closes persistent connections and databases, for a process that ends without module shutdown. */
void engine_close_persistent(void);

/* Loads a Zend extension (-z). */
void engine_load_zend_extension(const char *path);

/* ---- cli_run.c: one run of a script by the command line ---- */

enum engine_cli_work {
	ENGINE_CLI_NOTHING, /* Go does the work */
	ENGINE_CLI_EXECUTE,
	ENGINE_CLI_LINT,
	ENGINE_CLI_STRIP,
	ENGINE_CLI_HIGHLIGHT,
	ENGINE_CLI_CODE,    /* -r */
	ENGINE_CLI_LINES,   /* -B, -R, -F, -E */
	ENGINE_CLI_SHELL,   /* -a */
};

/* All of it must live until the request's shutdown. */
struct engine_cli_script {
	enum engine_cli_work work;
	int argc;
	char **argv;              /* $argv; argv[0] is PHP_SELF */
	const char *file;         /* the script; NULL where it is no file */
	int from_stdin;           /* without a file the script is standard input */
	const char *code;         /* ENGINE_CLI_CODE's */
	const char *begin;        /* ENGINE_CLI_LINES's, each may be NULL */
	const char *line;
	const char *line_file;
	const char *end;
	int hide_arguments;       /* overwrite the arguments that the kernel shows */
	const char *cannot_open;  /* the messages when the file or the request cannot be had */
	const char *cannot_start;
};

/* A request: its script is opened and its startup done (-1: neither, and said so), its work, its shutdown. Each leaves
 * its exit status in engine_exit_status. */
int engine_cli_begin(const struct engine_cli_script *script);
void engine_cli_work(const struct engine_cli_script *script);
void engine_cli_end(void);

/* The five steps with one script, and the end of the process. Takes the process: neither engine_take_process nor
 * engine_module_startup was called before. */
_Noreturn void engine_cli_run(const struct engine_module *module, const struct engine_cli_script *script);

/* Whether ext/readline is there to run -a. */
int engine_cli_has_shell(void);
/* Takes back what was begun when there is no request to shut down. Exit status: 1. */
void engine_cli_request_failed(void);

/* A setting's value as text; NULL where there is no such setting, or it is empty. */
const char *engine_setting_text(const char *name);

/* ---- script.c: the primary script of a request ---- */

/* Opens request_info's script as PHP does. 0, or the errno of the failure. */
int engine_script_open_primary(void);
void engine_script_open_file(const char *path); /* when it is executed */
void engine_script_open_stdin(const char *name);
void engine_script_close(void);
void engine_script_execute(void);
int engine_script_lint(void); /* 1 where the syntax is right */
void engine_script_strip(void);
void engine_script_highlight(void);

void engine_extended_info(void);
void engine_no_chdir(void);

/* ---- web_*.c: one request of a web server ---- */

/* Where a variable is in engine_request.text; a NUL follows its name and its value. */
struct engine_variable {
	uint32_t name, name_len;
	uint32_t value, value_len;
};

/* A request, and where its output goes. Strings that have no length end in NUL; those that are absent are NULL. All of it
 * must live until the request's shutdown. */
struct engine_request {
	const char *method;
	const char *query_string;
	const char *content_type;
	const char *cookie;
	const char *authorization;
	const char *php_value, *php_admin_value;
	const char *uri;    /* SCRIPT_NAME, as a rule */
	size_t uri_len;
	const char *script; /* its file */
	size_t script_len;
	int64_t content_length;
	int protocol;   /* 1000 for HTTP/1.0 */
	int direct;     /* the body comes from standard input, and the response goes to standard output */
	int no_headers; /* the response's head is not wanted */
	int interim;    /* the client takes heads with a 1xx status before the response's own */
	int argc;       /* of a request that comes from a shell */
	char **argv;

	const char *text;
	const struct engine_variable *variables; /* FastCGI's params; of php's development server what it adds to $_SERVER */
	size_t variables_len;
	const struct engine_variable *headers; /* for getallheaders(), if they do not follow from the variables */
	size_t headers_len;

	/* The room for output that Go's writer has open, and how much of it is used. */
	char *room;
	size_t room_size, room_used;
	int closed;  /* the client's connection was closed by fastcgi_finish_request() */
	int stale;   /* known after the shutdown: the process is not what it was, and should be replaced if another can be had */
	int last;    /* the process must not serve another: this one said so, or changed what cannot be taken back */

	/* The response's status: at first what it is if the script sets none. */
	int status;
	/* What is known after the startup, */
	const char *auth_user; /* NULL: none */
	size_t auth_user_len;
	/* and when the script has ended. */
	size_t memory;  /* peak, bytes */
	void *header;   /* where engine_web_next_header is */
	size_t line_len;
};

/* How a head is written: settings of php-cgi and php-fpm. */
enum { ENGINE_HEAD_NPH = 1, ENGINE_HEAD_RFC2616 = 2 };

/* The settings cgi.*, fastcgi.*, fpm.* and cli_server.*, as they are at any time; those that the front end has not are 0. */
struct engine_web_settings {
	bool rfc2616_headers;
	bool nph;
	bool force_redirect;
	bool fix_pathinfo;
	bool discard_path;
	bool logging;
	bool check_shebang_line;
	bool color;
	char *redirect_status_env;
	char *error_header;
	char *fpm_config;
};
const struct engine_web_settings *engine_web_settings(void);

/* Once in a process that answers FastCGI requests, before the first. */
void engine_fastcgi_worker(void);

enum engine_value_result {
	ENGINE_VALUE_APPLIED,
	ENGINE_VALUE_UNKNOWN,
	ENGINE_VALUE_EXTENSION_LOADED, /* engine_collect_extensions is to be called */
	ENGINE_VALUE_EXTENSION_FAILED,
};

/* Applies a php_value or php_admin_value, to the worker or to the present request. */
enum engine_value_result engine_apply_value(const char *name, const char *value, int admin, int for_request);
void engine_collect_extensions(void);

/* -1: PHP is of no more use; engine_web_shutdown may follow. */
int engine_web_startup(struct engine_request *request);
/* Executes the script that was opened. */
void engine_web_execute(void);
/* Runs a router script; 1 where it returned false, and so declined the request. */
int engine_web_execute_router(const char *path);
/* Answers without a script. */
void engine_web_answer(int status, const char *text, size_t len);
/* Sets a header of the response, in place of one of the same name. */
void engine_web_header(const char *line, size_t len);
void engine_web_no_default_content_type(void);
/* The response's next header line, after the script; NULL: that was the last. */
const char *engine_web_next_header(void); /* its length is in line_len */
void engine_web_shutdown(void);
/* Writes to standard output. 0: nobody reads it any more. */
int engine_write_out(const char *text, size_t len);

/* The last error PHP reported in this request; 0 where there was none. */
struct engine_error {
	int fatal;
	const char *message;
	const char *file;
	int line;
};
int engine_web_last_error(struct engine_error *error);

/* For fpm_get_status(): add to an array (a zval). Without a name, engine_array_add_array appends. */
void engine_array_add_string(void *array, const char *name, size_t name_len, const char *value, size_t value_len);
void engine_array_add_number(void *array, const char *name, size_t name_len, int64_t value);
void engine_array_add_float(void *array, const char *name, size_t name_len, double value);
void *engine_array_add_array(void *array, const char *name, size_t name_len);

/* ---- stack.c: PHP's stack, for a reader on another thread ---- */

/* Addresses of pointers, and offsets in zend_execute_data (frame), zend_function (func), zend_op and zend_string. */
struct engine_stack_layout {
	uintptr_t script;  /* -> the script's path, a C string */
	uintptr_t current; /* -> the newest frame */
	size_t frame_func, frame_prev, frame_opline, frame_call_info;
	size_t func_type, func_name, func_file;
	size_t opline_line;
	size_t string_text, string_len;
	uint32_t call_kind_mask, call_top_code;
};
void engine_stack_layout(struct engine_stack_layout *layout);

/* ---- forks.c ---- */

/* Gives n places for descriptors that a process which a script forks closes at once; -1: none. */
int32_t *engine_given_up_in_forks(size_t n);

/* ---- quit.c ---- */

/* Makes a signal add to an eventfd, the same for all signals, in place of its default. 0 or an errno. */
int engine_catch_signal(int sig, int eventfd);

/* ---- worker.c: a worker's share of what its zygote was told ---- */

/* Whether this process is a zygote's worker. */
int engine_is_worker(void);
/* The text the worker was forked with, and its descriptors. */
const char *engine_worker_payload(size_t *len);
int engine_worker_fd(size_t i); /* -1 past the last */

/* ---- inspect.c: what the engine says of itself ---- */

const char *engine_version(void);      /* PHP_VERSION of the started engine */
const char *engine_zend_version(void); /* "Zend Engine v..." and a line for each Zend extension */
const char *engine_build(void);        /* such as NTS */
const char *engine_server_software(void); /* SERVER_SOFTWARE of php's development server of the engine's version */

enum engine_ini_file {
	ENGINE_INI_LOADED,   /* php.ini's path */
	ENGINE_INI_SCAN_DIR, /* where further files were looked for */
	ENGINE_INI_SCANNED,  /* the further files, as php lists them */
};
const char *engine_ini_file(enum engine_ini_file which); /* NULL: none */

/* Prints through PHP's output layer. */
void engine_print(const char *text, size_t len);

void engine_print_info(int with_credits); /* phpinfo() */
void engine_print_modules(void); /* php -m */

enum engine_reflection {
	ENGINE_REFLECT_FUNCTION,
	ENGINE_REFLECT_CLASS,
	ENGINE_REFLECT_EXTENSION,
	ENGINE_REFLECT_ZEND_EXTENSION,
};
void engine_reflect(enum engine_reflection kind, const char *name);
/* php --ri; 0 where there is no such extension. The name is in lower case. */
int engine_print_extension_info(const char *lowercase_name);
void engine_print_settings(void); /* php --ri main */

#endif
