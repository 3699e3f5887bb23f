<?php
// A worker script for WordPress with snapshot: 1, in WordPress's own directory. It boots the core, up to the hook muplugins_loaded:
// by then no option counts, no plugin and no theme is loaded, no user and no request has been looked at. A request goes on from
// there. Its pages are those of ordinary workers; docs/WORKER.md says what they cost.
//
// It answers for index.php, wp-login.php and wp-comments-post.php. The scripts in wp-admin define constants that the core asks for
// as it is loaded: they are for ordinary workers.

// What functions know as globals must be global where WordPress and its scripts run, which is within a function here.
$wp_names = [];
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator(__DIR__, FilesystemIterator::SKIP_DOTS | FilesystemIterator::FOLLOW_SYMLINKS)) as $wp_file) {
	if ($wp_file->getExtension() === 'php') {
		preg_match_all('/\bglobal\s+\$[^;]+;|\$GLOBALS\s*\[\s*[\'"]\w+/', file_get_contents($wp_file), $wp_found);
		preg_match_all('/(?:\$|[\'"])([a-zA-Z_]\w*)/', implode(' ', $wp_found[0]), $wp_found);
		$wp_names += array_flip($wp_found[1]);
	}
}
unset($wp_names['this'], $wp_names['GLOBALS']);
$wp_names = 'global $' . implode(', $', array_keys($wp_names)) . '; ';

// wp-settings.php in three parts: what SHORTINIT leaves of it, the rest of the core, and what each request has to itself.
define('SHORTINIT', true);
require __DIR__ . '/wp-load.php';
$wp_rest = preg_split('/if \( SHORTINIT \) \{\s*return false;\s*\}/', file_get_contents(ABSPATH . 'wp-settings.php'))[1];
[$wp_core, $wp_rest] = explode("do_action( 'muplugins_loaded' );", $wp_rest);
eval($wp_core);
$wp_begin = eval("return static function () { $wp_names do_action('muplugins_loaded'); $wp_rest };");
$wp_script = eval("return static function () { $wp_names require \$_SERVER['SCRIPT_FILENAME']; };");
unset($wp_names, $wp_file, $wp_found, $wp_core, $wp_rest);

phpsapi_before_fork(function () { $GLOBALS['wpdb']->close(); });
phpsapi_after_fork(function () { $GLOBALS['wpdb']->db_connect(); });

while (frankenphp_handle_request(function () use ($wp_begin, $wp_script) {
	wp_fix_server_vars(); // and the following: again, as there was no request at the boot
	wp_maintenance();
	timer_start();
	wp_debug_mode();
	wp_cache_flush(); // the options are those of now
	if (isset($_GET['replytocom'])) {
		add_filter('wp_robots', 'wp_robots_no_robots');
	}
	$wp_begin();
	$wp_script();
	shutdown_action_hook(); // a worker that was forked from the application ends without its shutdown functions
}));
