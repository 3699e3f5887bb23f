/*
 * A request that is interrupted: another thread says so (engine_watch.c), and PHP heeds it when it executes a loop or a call of PHP
 * code next, as it heeds the end of max_execution_time. Functions of C are not interrupted.
 *
 *     watcher           engine_web_interrupt: which request, and EG(vm_interrupt)
 *     main thread       on_interrupt, within the script: throws, or does what PHP does when it finds the client gone in a write
 *
 * So is one whose stack another thread wants to have written down (php_stack.c), which it does not notice.
 */
#include <string.h>

#include "php_module.h"
#include "web.h"

static zend_class_entry *request_timeout;
static const char *timeout_message;
static void (*next_interrupt)(zend_execute_data *execute_data); /* of an extension, such as pcntl; NULL: none */

/* When the request was accepted that is to be interrupted, for each reason; 0: none. */
static int64_t interrupted[ENGINE_CLIENT_LEFT + 1];

/* Whether the present request is to be interrupted for this reason. It is once. */
static int is_due(enum engine_interrupt why)
{
	int64_t accepted = __atomic_exchange_n(&interrupted[why], 0, __ATOMIC_SEQ_CST);

	return accepted && web_request && accepted == web_request->accepted;
}

static void interrupt_again(void)
{
	zend_atomic_bool_store_ex(&EG(vm_interrupt), true);
}

static int is_pending(void)
{
	return __atomic_load_n(&interrupted[ENGINE_TIMED_OUT], __ATOMIC_SEQ_CST) || __atomic_load_n(&interrupted[ENGINE_CLIENT_LEFT], __ATOMIC_SEQ_CST);
}

void web_keep_interrupt(void)
{
	if (is_pending()) {
		interrupt_again();
	}
}

static void on_interrupt(zend_execute_data *execute_data)
{
	if (!is_forked()) {
		web_write_stack_down(); /* before the next one executes PHP code: a reader takes the stack for unchanged until this was written */
	}
	if (next_interrupt) {
		next_interrupt(execute_data);
	}
	if (is_forked()) {
		return;
	}
	if (EG(exception) || !EG(current_execute_data)) { /* nothing can be thrown, and nothing ended, before that was heeded */
		web_keep_interrupt();
		return;
	}
	if (is_due(ENGINE_TIMED_OUT)) {
		host->interrupted(ENGINE_TIMED_OUT);
		zend_throw_exception(request_timeout, timeout_message, 0);
		return;
	}
	if (is_due(ENGINE_CLIENT_LEFT)) {
		host->interrupted(ENGINE_CLIENT_LEFT);
		php_handle_aborted_connection();
	}
}

/* opcache's JIT has the function's address in its code from its startup on: it is to be there before. */
void register_interrupts(void)
{
	zend_class_entry class;

	if (started_module->interrupts) {
		INIT_CLASS_ENTRY(class, "Phpsapi\\RequestTimeout", NULL);
		request_timeout = zend_register_internal_class_ex(&class, zend_ce_error);
	}
	next_interrupt = zend_interrupt_function;
	zend_interrupt_function = on_interrupt;
}

void engine_web_interruptible(const char *message)
{
	timeout_message = message;
}

void engine_web_interrupt(int64_t accepted, enum engine_interrupt why)
{
	__atomic_store_n(&interrupted[why], accepted, __ATOMIC_SEQ_CST);
	interrupt_again();
}
