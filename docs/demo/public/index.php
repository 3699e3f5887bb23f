<?php

declare(strict_types=1);

namespace Demo;

require __DIR__ . '/../src/page.php';

const LONGEST_NAME = 60; // characters
const LONGEST_TEXT = 10_000;

$database = new Database();
$path = $_SERVER['PATH_INFO'] ?? '';

if ($path === '' || $path === '/') {
    if ($_SERVER['REQUEST_METHOD'] === 'POST') {
        $name = trim(field($_POST, 'name'));
        $text = field($_POST, 'text');
        if ($name === '' || mb_length($name) > LONGEST_NAME || mb_length($text) > LONGEST_TEXT || str_contains($name, '/')) {
            fail(422, 'A note has a name of up to ' . LONGEST_NAME . ' characters without a slash, and up to ' . LONGEST_TEXT . ' of text.');
        }
        $database->write($name, $text);
        see('/notes/' . rawurlencode($name));
    }
    page('Notes', function () use ($database) {
        editor('', '');
        print '<ul>';
        foreach ($database->notes() as $note) {
            print '<li><a href="/notes/' . rawurlencode($note['name']) . '">' . h($note['name']) . '</a> '
                . '<time>' . gmdate('Y-m-d H:i', $note['changed']) . '</time></li>';
        }
        print '</ul>';
    });
    return;
}

if (!str_starts_with($path, '/notes/') || ($text = $database->note($name = substr($path, strlen('/notes/')))) === null) {
    fail(404, "There is no page $path.");
}
page($name, function () use ($name, $text) {
    print '<p>' . nl2br(h($text)) . '</p>';
    editor($name, $text);
});

function editor(string $name, string $text): void
{
    ?>
<form method="post" action="/">
    <label>Name <input name="name" required maxlength="<?= LONGEST_NAME ?>" value="<?= h($name) ?>"></label>
    <label>Text <textarea name="text" rows="5" maxlength="<?= LONGEST_TEXT ?>"><?= h($text) ?></textarea></label>
    <button>Write it down</button>
</form>
<?php
}

/** Characters of UTF-8, for a PHP that has no mbstring; bytes where it is not UTF-8. */
function mb_length(string $text): int
{
    return preg_match_all('/./su', $text) ?: strlen($text);
}
