// Package pm is the process manager of php-fpm.conf's pools: it decides when workers are forked and when idle ones end. It knows no process and no
// clock. The master, which has both, counts the workers, asks, and does what the decision says.
//
// Limits are a pool's numbers: pm.max_children and others. A Spare decides for a pool with pm = dynamic once a second, and for one with pm = ondemand
// when a connection waits. Faults counts the deaths after which php-fpm starts again by itself (emergency_restart_threshold). A Backoff makes the
// replacement of workers that end before they are ready slower and slower. An Escalation has processes end, by signals that get less polite.
package pm
