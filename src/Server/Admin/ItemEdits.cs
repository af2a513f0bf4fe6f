using Relay.Policy;

namespace Relay.Admin;

/// <summary>The items that a request changes, each with the field that it came from, so that an error can name it.</summary>
internal sealed class ItemEdits
{
    private readonly Dictionary<string, string?> _items = [];
    private readonly Dictionary<string, string> _fields = [];
    private readonly List<(string Field, string Text)> _errors = [];

    public IReadOnlyDictionary<string, string?> Items => _items;

    public void Set(string path, string text, string field) => Add(path, text, field);

    public void Remove(string path, string field) => Add(path, null, field);

    public void Error(string field, string text) => _errors.Add((field, text));

    /// <summary>Throws INVALID_ARGUMENT where the request itself is wrong.</summary>
    public void ThrowIfWrong()
    {
        if (_errors.Count > 0)
        {
            throw AdminErrors.Invalid(_errors);
        }
    }

    /// <summary>An error of an item as one of its field.</summary>
    public (string Field, string Text) InField((string Path, string Text) error) => (_fields.GetValueOrDefault(error.Path, error.Path), error.Text);

    private void Add(string path, string? text, string field)
    {
        // Two spellings of one network are one item.
        var normal = PolicyGrammar.PathOf(path);
        if (!_fields.TryAdd(normal, field))
        {
            Error(field, $"{_fields[normal]} changes the same item");
            return;
        }

        _fields[path] = field;
        _items[path] = text;
    }
}
