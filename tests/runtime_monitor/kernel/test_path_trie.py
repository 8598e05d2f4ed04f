"""The trie of names: few entries, and each says what the shorter ones say."""

from runtime_monitor.kernel.path_trie import PathTrie, Step

LONG = b"n" * 60


def test_paths_share_their_names() -> None:
    """Nodes are numbered from the given number."""
    trie = PathTrie()
    trie.exactly(b"/etc/shadow", 1)
    trie.exactly(b"/etc/sudoers", 2)
    trie.beginning(b"/etc/pam.d/", 4)
    assert trie.steps(10) == [
        Step(10, b"etc\0", next=11),
        Step(11, b"shadow\0", here=1),
        Step(11, b"sudoers\0", here=2),
        Step(11, b"pam.d\0", below=4),
    ]
    assert trie.nodes == 2


def test_the_longest_entry_says_all() -> None:
    """The kernel finds no other one; what is exact stays apart."""
    trie = PathTrie()
    trie.beginning(b"/a", 1)
    trie.beginning(b"/ab", 2)
    trie.exactly(b"/abc", 4)
    assert trie.steps(1) == [Step(1, b"a", 1), Step(1, b"ab", 3), Step(1, b"abc\0", 3, here=4)]


def test_beyond_what_is_asked_the_demand_is_fulfilled() -> None:
    """Long names by their beginning, deep paths by their first eight names."""
    trie = PathTrie()
    trie.exactly(b"/a/" + LONG + b"/b", 1)
    assert trie.steps(1)[-1] == Step(2, LONG[:56], below=1)
    deep = PathTrie()
    deep.exactly(b"/1/2/3/4/5/6/7/8/9", 1)
    deep.beginning(b"/1/2/3/4/5/6/7/8/n", 2)
    assert deep.steps(1)[-1] == Step(8, b"8\0", below=3)
    assert deep.nodes == 8
