// Package engines decides which PHP is meant, and knows which PHPs a machine has. It opens no library and executes no program:
// it reads names, symbolic links and, where a path was given, a library's file.
//
// The first of these that says something decides:
//
//  1. the option --engine,
//  2. the variable PHPSAPI_ENGINE,
//  3. the name by which the program was called: php8.4, php-cgi8.4, php-fpm8.4, phpsapi8.4,
//  4. the setting engine (php-fpm alone has settings),
//  5. the machine's php: the first in PATH that is not this program, if its engine is there,
//  6. the newest whose libphp is there.
//
// 1 to 4 name a version such as 8.4; 1, 2 and 4 may name the path of a libphp or of an engine instead. What they name is meant and
// nothing else: if it cannot be had, that is an error, and no other PHP runs.
package engines
