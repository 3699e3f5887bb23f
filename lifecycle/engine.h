/*
 * The contract between the program and an engine.
 *
 * An engine is the code that is compiled against the headers of one PHP (lifecycle/engine). The program is everything else: it
 * knows no PHP, and reaches it through struct engine alone; an engine reaches the program through struct engine_host alone.
 * A change of anything in this file changes ENGINE_CONTRACT, too: program and engine of different contracts must not meet. A
 * checksum in test/borders reminds of it.
 *
 * Order of calls, all on the process's main thread:
 *
 *   engine_load (engine_load.h)
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

#include "engine_httpd.h"

#ifndef ENGINE_CONTRACT /* a test gives another */
#define ENGINE_CONTRACT 23
#endif

/* ---- module startup and shutdown ---- */

struct engine_pair {
	const char *name, *value;
};

/* Decides which callbacks, functions and settings a module gets. */
enum engine_front_end {
	ENGINE_CLI,
	ENGINE_CLI_SERVER,
	ENGINE_CGI,
	ENGINE_FPM,
	ENGINE_APACHE,
};

/* A front end's sapi_module_struct. All strings must live until engine_module_shutdown. */
struct engine_module {
	enum engine_front_end front_end;
	const char *name;               /* php_sapi_name() */
	const char *pretty_name;
	const char *binary;             /* PHP_BINARY */
	const char *ini_path;           /* php.ini, or directories to search for it; NULL for none */
	/* The distribution's directories. They count if libphp was configured with ini_embed; another libphp has its own, of
	 * which the engine takes care: in place of ini_dir at the end of ini_path if ini_search says that it is there, and in
	 * place of ini_scan_default. */
	const char *ini_embed;
	const char *ini_dir;            /* PHP_CONFIG_FILE_PATH */
	const char *ini_scan_default;   /* PHP_CONFIG_FILE_SCAN_DIR */
	const char *ini_scan_dir;       /* PHP_INI_SCAN_DIR during startup, every default expanded */
	int ini_search;
	const char *ini_entries;        /* settings over php.ini, one a line */
	const struct engine_pair *ini_defaults;
	size_t ini_defaults_len;        /* settings under php.ini */
	int ini_ignore;
	int phpinfo_as_text;
	int dl;                         /* offer dl() */
	int without_pcntl;              /* leave out the extension pcntl where libphp has it built in */
	int extended_info;              /* compile with ZEND_COMPILE_EXTENDED_INFO */
	int worker_mode;                /* workers run a worker script: offer frankenphp_handle_request() */
	int interrupts;                 /* requests may be interrupted: offer the class Phpsapi\RequestTimeout */
};

/* ---- one run of a script by the command line ---- */

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
	int mode;                 /* what php is asked for, a php_cli_mode of sapi/cli/cli.h */
	int argc;
	char **argv;              /* $argv; argv[0] is PHP_SELF */
	const char *file;         /* the script; NULL where it is not a file */
	int from_stdin;           /* without a file the script is standard input */
	const char *code;         /* ENGINE_CLI_CODE's */
	const char *begin;        /* ENGINE_CLI_LINES's, each may be NULL */
	const char *line;
	const char *line_file;
	const char *end;
	int hide_arguments;       /* overwrite the arguments that the kernel shows */
	const char *cannot_start; /* the message when the request cannot be had */
};

/* ---- one request of a web server ---- */

/* Where a variable is in engine_request.text; a NUL follows its value, and its name unless it is a param of FastCGI. */
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
	int64_t accepted; /* when, of CLOCK_MONOTONIC in nanoseconds: tells it from others for engine_web_interrupt; 0: it is none's */
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

/* Why a request is interrupted. */
enum engine_interrupt {
	ENGINE_TIMED_OUT,   /* it has taken too long: a Phpsapi\RequestTimeout is thrown */
	ENGINE_CLIENT_LEFT, /* its client is gone: what follows is PHP's connection_aborted() and ignore_user_abort() */
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
	bool script_path_encoded; /* since 8.5 */
	bool logging;
	bool check_shebang_line;
	bool color;
	char *redirect_status_env;
	char *error_header;
	char *fpm_config;
};

enum engine_value_result {
	ENGINE_VALUE_APPLIED,
	ENGINE_VALUE_UNKNOWN,
	ENGINE_VALUE_EXTENSION_LOADED, /* engine_collect_extensions is to be called */
	ENGINE_VALUE_EXTENSION_FAILED,
};

/* The last error PHP reported in this request. */
struct engine_error {
	int fatal;
	const char *message, *file;
	int line;
};

/* ---- PHP's stack, for a reader on another thread ---- */

/* Addresses of pointers, and offsets in zend_execute_data (frame), zend_function (func), zend_op and zend_string. */
struct engine_stack_layout {
	uintptr_t script;  /* -> the script's path, a C string */
	uintptr_t current; /* -> the newest frame */
	size_t frame_func, frame_prev, frame_opline, frame_call_info;
	size_t func_type, func_name, func_scope, func_file;
	size_t class_name, opline_line;
	size_t string_text, string_len, string_hash;
	uint32_t call_kind_mask, call_top_code;
};

/* A zend_string as a sample has it: the address of its text, where it may be no more (0: there is none), the hash by which one can see whether it is
 * (0: PHP has not made it yet), and its length. */
struct engine_name {
	uint64_t at, hash, len;
};

/* A function that PHP is in, or the code of a file, which has no name. */
struct engine_frame {
	struct engine_name function, class, file; /* a function of C's has no file */
	uint64_t line; /* where it is executed */
};

enum { ENGINE_MOST_FRAMES = 256, ENGINE_MOST_TEXT = 32 << 10 };

/* PHP's stack at a moment, the newest frame first. If PHP has written it down itself the names are in texts. */
struct engine_sample {
	int64_t accepted;    /* of which request */
	uint32_t depth, cut; /* cut is 1 if there are more frames, which were called first */
	struct engine_frame frames[ENGINE_MOST_FRAMES];
	char texts[ENGINE_MOST_TEXT];
};

/* ---- what the caches say that all workers of a zygote share ---- */

/* Memory is in bytes, times are in seconds since 1970. It is sapi.Caches of Go's. */
struct engine_caches {
	int64_t opcache; /* 1: it is there, and so is what follows of it */
	int64_t opcache_full, opcache_restart_pending;
	int64_t opcache_used, opcache_free, opcache_wasted;
	int64_t opcache_strings_used, opcache_strings_free, opcache_strings; /* the memory of interned strings, and their number */
	int64_t opcache_scripts, opcache_keys, opcache_keys_limit;
	int64_t opcache_hits, opcache_misses; /* since the last restart */
	int64_t opcache_restarts_memory, opcache_restarts_keys, opcache_restarts_asked; /* by why it was restarted */
	int64_t opcache_restarted; /* when, the last time; 0: never */
	int64_t opcache_jit_size, opcache_jit_free;
	int64_t apcu; /* 1: it is there, and so is what follows */
	int64_t apcu_size, apcu_free, apcu_entries;
	int64_t apcu_hits, apcu_misses, apcu_inserts;
	int64_t apcu_expunges; /* how often it was full, and threw away */
};

/* ---- what the engine says of itself ---- */

/* Whether a worker script may be forked. */
enum engine_snapshot {
	ENGINE_SNAPSHOT_PREPARED,
	ENGINE_SNAPSHOT_HOOK_FAILED, /* a callback of phpsapi_before_fork() has thrown: the name is the error's message */
	ENGINE_SNAPSHOT_CONNECTION,  /* it has an object with a connection: the name is its class's */
};

enum engine_ini_file {
	ENGINE_INI_LOADED,   /* php.ini's path */
	ENGINE_INI_SCAN_DIR, /* where further files were looked for */
	ENGINE_INI_SCANNED,  /* the further files, as php lists them */
};

enum engine_reflection {
	ENGINE_REFLECT_FUNCTION,
	ENGINE_REFLECT_CLASS,
	ENGINE_REFLECT_EXTENSION,
	ENGINE_REFLECT_ZEND_EXTENSION,
};

/* ---- the functions of an engine ---- */

/* What they return, their names without the prefix engine_, their parameters, and these once more as arguments. */
#define ENGINE_FUNCTIONS(X) \
	/* ---- module startup and shutdown (php_startup.c, php_module.c) ---- */ \
	X(int, module_startup, (const struct engine_module *module), (module)) \
	X(void, module_shutdown, (void), ()) \
	/* The started process is going to be forked, for workers or requests: what they all would do is done now. */ \
	X(void, children_follow, (void), ()) \
	/* PHP_CONFIG_FILE_PATH of the started module; NULL before that. */ \
	X(const char *, started_ini_dir, (void), ()) \
	/* Writes each constant of the started engine to a file and closes it: its name and its value as a string, each after its \
	 * length, a uint32_t. 0, or -1 with errno. */ \
	X(int, write_constants, (int fd), (fd)) \
	/* ---- what every front end's request shares (php_request.c) ---- */ \
	X(int, exit_status, (void), ()) \
	X(void, set_exit_status, (int status), (status)) \
	X(int, request_startup, (void), ()) \
	X(void, request_shutdown, (void), ()) \
	/* sapi_deactivate, for what was printed outside of any request. */ \
	X(void, deactivate, (void), ()) \
	/* Closes persistent connections and databases, for a process that ends without module shutdown. */ \
	X(void, close_persistent, (void), ()) \
	/* Loads a Zend extension (-z). */ \
	X(void, load_zend_extension, (const char *path), (path)) \
	/* A setting's value as text; NULL if there is no such setting, or it is empty. */ \
	X(const char *, setting_text, (const char *name), (name)) \
	/* Reports whether the present request may have forked in a way that fork(2)'s handlers do not hear of. */ \
	X(int, may_have_forked, (void), ()) \
	/* ---- the primary script of a request (php_script.c) ---- */ \
	/* Opens request_info's script as PHP does. 0, or the errno of the failure. */ \
	X(int, script_open_primary, (void), ()) \
	/* Whose the file is that was opened so, or an errno: it is not a file. If opcache has its code nothing was opened: it is what is at the path. */ \
	X(int, script_owner, (uint32_t *uid), (uid)) \
	/* The file is opened when it is executed. */ \
	X(void, script_open_file, (const char *path), (path)) \
	X(void, script_open_stdin, (const char *name), (name)) \
	X(void, script_close, (void), ()) \
	X(void, script_execute, (void), ()) \
	/* 1 where the syntax is right. */ \
	X(int, script_lint, (void), ()) \
	X(void, script_strip, (void), ()) \
	X(void, script_highlight, (void), ()) \
	X(void, extended_info, (void), ()) \
	X(void, no_chdir, (void), ()) \
	/* ---- one run of a script by the command line (cli_request.c, cli_module.c) ---- */ \
	/* A request: its script is opened and its startup done (-1: neither, and said so), its work, its shutdown. Each leaves \
	 * its exit status in engine_exit_status. */ \
	X(int, cli_begin, (const struct engine_cli_script *script), (script)) \
	X(void, cli_work, (const struct engine_cli_script *script), (script)) \
	X(void, cli_end, (void), ()) \
	/* Whether ext/readline is there to run -a. */ \
	X(int, cli_has_shell, (void), ()) \
	/* Takes back what was begun when there is no request to shut down. Exit status: 1. */ \
	X(void, cli_request_failed, (void), ()) \
	/* What ext/readline asks the program for by name: a cli_shell_callbacks_t, and a write to standard output. */ \
	X(void *, cli_shell_callbacks, (void), ()) \
	X(ssize_t, cli_single_write, (const char *text, size_t len), (text, len)) \
	/* ---- one request of a web server (web_*.c) ---- */ \
	X(const struct engine_web_settings *, web_settings, (void), ()) \
	/* Once in a process that answers FastCGI requests, before the first. */ \
	X(void, fastcgi_worker, (void), ()) \
	/* Applies a php_value or php_admin_value, to the worker or to the present request. */ \
	X(enum engine_value_result, apply_value, (const char *name, const char *value, int admin, int for_request), (name, value, admin, for_request)) \
	X(void, collect_extensions, (void), ()) \
	/* -1: PHP is of no more use; engine_web_shutdown may follow. */ \
	X(int, web_startup, (struct engine_request *request), (request)) \
	/* The startup, the script's opening and its execution in one: 0, -1 as engine_web_startup, or the errno of the opening. */ \
	X(int, web_run, (struct engine_request *request), (request)) \
	/* How much of a stream is kept in memory for which PHP asks for so much: more, if it is a request's body. */ \
	X(size_t, web_body_in_memory, (size_t most), (most)) \
	/* Between two requests: the process has its own directory, not that of the last script. */ \
	X(void, web_go_home, (void), ()) \
	/* Executes the script that was opened. */ \
	X(void, web_execute, (void), ()) \
	/* Once, before engine_web_interrupt may be called, with a module that has interrupts. message is that of Phpsapi\RequestTimeout, and must live. */ \
	X(void, web_interruptible, (const char *message), (message)) \
	/* Has PHP interrupt the request that was accepted then, as soon as it executes PHP code again. If that is not the present one when \
	 * it does, nothing happens. Any thread may call it, and no other function of the engine. */ \
	X(void, web_interrupt, (int64_t accepted, enum engine_interrupt why), (accepted, why)) \
	/* Runs a router script; 1 where it returned false, and so declined the request. */ \
	X(int, web_execute_router, (const char *path), (path)) \
	/* Runs a worker script, which asks for requests by frankenphp_handle_request(), until it ends. startup was that of the boot. \
	 * If the script ended within a request, that is the present one, and what follows is as after web_execute. With strict, what \
	 * a request has changed of the process and of PHP's settings is put back. */ \
	X(void, web_run_worker_script, (int strict), (strict)) \
	/* Makes a worker script that waits for a request ready to be forked, or tells why it must not be, with a name. */ \
	X(enum engine_snapshot, snapshot_prepare, (char *name, size_t size), (name, size)) \
	/* In a process that was forked then, before it answers a request. */ \
	X(void, snapshot_forked, (void), ()) \
	/* Answers without a script. */ \
	X(void, web_answer, (int status, const char *text, size_t len), (status, text, len)) \
	/* Sets a header of the response, in place of one of the same name. */ \
	X(void, web_header, (const char *line, size_t len), (line, len)) \
	/* Writes to standard output. 0: nobody reads it any more. */ \
	X(int, write_out, (const char *text, size_t len), (text, len)) \
	X(void, web_no_default_content_type, (void), ()) \
	/* The response's next header line, after the script; its length is in line_len. NULL: that was the last. */ \
	X(const char *, web_next_header, (void), ()) \
	X(void, web_shutdown, (void), ()) \
	/* 0 where PHP has reported no error in this request. */ \
	X(int, web_last_error, (struct engine_error *error), (error)) \
	/* For fpm_get_status(): add to an array (a zval). Without a name, engine_array_add_array appends. */ \
	X(void, array_add_string, (void *array, const char *name, size_t name_len, const char *value, size_t value_len), (array, name, name_len, value, value_len)) \
	X(void, array_add_number, (void *array, const char *name, size_t name_len, int64_t value), (array, name, name_len, value)) \
	X(void, array_add_float, (void *array, const char *name, size_t name_len, double value), (array, name, name_len, value)) \
	X(void *, array_add_array, (void *array, const char *name, size_t name_len), (array, name, name_len)) \
	/* ---- the caches that all workers of a zygote share (php_caches.c) ---- */ \
	/* Both are for between two requests: also those of a worker script. */ \
	X(void, caches_look, (struct engine_caches *caches), (caches)) \
	/* Has opcache forget all scripts, as opcache_reset() does. 0: it is off, or is about to do so already. */ \
	X(int, opcache_reset, (void), ()) \
	/* ---- what the engine says of itself (php_inspect.c, php_stack.c) ---- */ \
	X(void, stack_layout, (struct engine_stack_layout *layout), (layout)) \
	/* Has the main thread write down its stack, as soon as it executes a loop or a call of PHP code. Any other thread may call it, if the room is \
	 * not in use. */ \
	X(void, stack_ask, (struct engine_sample *room), (room)) \
	/* 1: it has done so; 2: it is at it. Any thread may call it. */ \
	X(int, stack_taken, (void), ()) \
	/* Takes the wish back, and returns when the room is not in use any more. 1: the stack was written down, after all. */ \
	X(int, stack_unask, (void), ()) \
	/* PHP_VERSION of the started engine. */ \
	X(const char *, version, (void), ()) \
	/* Who compiled that PHP, such as Debian, and when, as php's -v writes it; "" if it does not tell. */ \
	X(const char *, build_provider, (void), ()) \
	X(const char *, built, (void), ()) \
	/* "Zend Engine v..." and a line for each Zend extension. */ \
	X(const char *, zend_version, (void), ()) \
	/* What kind of build the headers are of, such as NTS. */ \
	X(const char *, build, (void), ()) \
	/* SERVER_SOFTWARE of php's development server of the engine's version. */ \
	X(const char *, server_software, (void), ()) \
	/* NULL: none. */ \
	X(const char *, ini_file, (enum engine_ini_file which), (which)) \
	/* Prints through PHP's output layer. */ \
	X(void, print, (const char *text, size_t len), (text, len)) \
	/* phpinfo(), and php -m */ \
	X(void, print_info, (int with_credits), (with_credits)) \
	X(void, print_modules, (void), ()) \
	X(void, reflect, (enum engine_reflection kind, const char *name), (kind, name)) \
	/* php --ri; 0 if there is no such extension. The name is in lower case. */ \
	X(int, print_extension_info, (const char *lowercase_name), (lowercase_name)) \
	/* php --ri main */ \
	X(void, print_settings, (void), ()) \
	/* php --ini=diff, since 8.5 */ \
	X(void, print_changed_settings, (void), ()) \
	ENGINE_HTTPD_FUNCTIONS(X)

/* ---- what an engine asks of the program (engine_host.c) ---- */

struct engine_host {
	/* Those down to report are answered by Go. Where nobody can answer, before the Go runtime is up and in a process that a script
	 * forked, each does nothing and returns 0. The first three are for the present request: 0, or -1 if the client is gone. */
	int (*write)(const char *text, size_t len); /* what is in the request's room, and then text */
	int (*flush)(void);
	/* Writes the response's head: flags are ENGINE_HEAD_..., line is the status line that the script gave, or NULL, and lines
	 * are the header lines, each with its line end. */
	int (*head)(int status, const char *line, int flags, const char *lines, size_t len);
	size_t (*read_body)(char *to, size_t size); /* 0 at the body's end */
	void (*finish)(void);                       /* fastcgi_finish_request() */
	/* In worker mode: waits for the next request and returns it, or NULL if the worker is to end. */
	struct engine_request *(*next_request)(void);
	void (*request_done)(void);                 /* in worker mode: the present request has been answered */
	void (*renew)(void);                        /* in worker mode: asks for new workers, with an opcache of their own */
	void (*interrupted)(enum engine_interrupt why); /* the present request is, now */
	int (*status)(void *array);                 /* fills an array (a zval) for fpm_get_status(); 0: it is not known */
	/* Takes a message: level is a number of zlog's, or 0 for one of PHP's own. 0: nobody took it. */
	int (*log)(int level, const char *text, size_t len);
	/* Puts a script's message into the front end's error log, at any time; level is a number of zlog's. 0: nobody took it. */
	int (*report)(int level, const char *text, size_t len);

	const struct engine_httpd *httpd; /* NULL: the front end is not Apache's */
	int (*is_worker)(void); /* whether this process is a zygote's worker */
	/* Whether a script forked this process; look compares the process's number, too (boot_forks.c). */
	int (*is_forked)(int look);
	int (*has_forked)(void);      /* whether this process has forked since the last call */
	unsigned (*directory_changes)(void); /* how often this process has changed its directory */
	/* With 1: no script runs until further notice, and a timer that PHP stops may run on. With 0: a script is about to run, and one
	 * that was stopped must not fire (engine_timer.c). */
	void (*timer_rests)(int rests);
	void (*hide_arguments)(void); /* overwrites the arguments that the kernel shows */
	/* The process title (boot_title.c). */
	int (*title_init)(void);
	size_t (*title_room)(void); /* how long a title may be */
	int (*title_set)(const char *title, size_t len);
	const char *(*title_get)(size_t *len);
};

/* ---- an engine ---- */

/* Where the engine keeps the address of one of PHP's symbols. */
struct engine_slot {
	const char *name;
	void **address;
};

/* One of PHP's structures: which sizes the engine can use. */
struct engine_structure {
	const char *name;
	size_t least, most;
};

/* The layout of zend_module_entry: its size, the API's number, and offsets. */
struct engine_entry {
	size_t size;
	unsigned int api;
	size_t name, version, build_id;
};

struct engine {
	/* Every contract begins with these three. */
	uint32_t contract;
	const char *php_version; /* PHP_VERSION of the headers, such as 8.2.36 */
	const char *build_id;    /* ZEND_MODULE_BUILD_ID of the headers, such as API20220829,NTS */

	/* How the PHP of the headers was configured. */
	const char *ini_dir, *ini_scan_dir, *extension_dir, *prefix;
	struct engine_entry entry;
	const struct engine_structure *structures; /* up to one without a name */
	const struct engine_slot *slots; /* up to one without a name; NULL: the engine contains PHP, or is linked to it */

	void (*attach)(const struct engine_host *host); /* called once, before any other */
#define X(type, name, parameters, arguments) type(*name) parameters;
	ENGINE_FUNCTIONS(X)
#undef X
};

#endif
