// Package handover is the resident that answers CGI requests for the programs a web server executes: phpsapi cgi
// --zygote. The picture of the processes is at the top of lifecycle/handover.h.
//
// The program that the web server executes is the resident's client: it hands its request over (lifecycle/handover_client.c)
// and waits. The resident checks which user the client belongs to, asks the front end which module the call would start, and
// has a zygote of that module fork a child, which answers. A module is a PHP with its php.ini and its settings; a zygote is a
// process in which one was started. The resident starts the zygotes, one for each module, and ends when it was idle for a
// while. It never loads libphp and never runs a script.
//
// The resident refuses a request of another user's, a call that is not a web server's, and a module that is not started yet.
// The client then answers the request itself, the ordinary way. A refusal is not an error, and nothing is logged of it.
package handover
