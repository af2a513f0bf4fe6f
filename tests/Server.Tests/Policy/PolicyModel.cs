namespace Server.Tests.Policy;

/// <summary>The policy the slow and obvious way: a list of settings for each item, looked through each time.</summary>
internal sealed class PolicyModel(Dictionary<string, string?> configuration)
{
    private readonly Dictionary<string, string?> _configuration = configuration;
    private readonly List<Setting> _settings = [];
    private readonly Dictionary<long, (Dictionary<string, string> Items, Dictionary<string, DateTimeOffset> Bans)> _revisions = [];

    public long Revision { get; private set; } = 1;

    public IEnumerable<long> Known => _revisions.Keys.Where(revision => revision > Revision - 100);

    public Dictionary<string, string> Items()
    {
        var items = new Dictionary<string, string>();
        foreach (var path in _configuration.Keys.Concat(_settings.Select(setting => setting.Path)).Distinct())
        {
            if (Of(path) is { } text)
            {
                items[path] = text;
            }
        }

        return items;
    }

    public void Remember() => _revisions[Revision] = (
        Items(), _settings.Where(setting => setting.Path.StartsWith("ban/", StringComparison.Ordinal) && setting.Until < DateTimeOffset.MaxValue).ToDictionary(setting => setting.Path, setting => setting.Until));

    public void Configure(string path, string text)
    {
        var before = Items();
        _configuration[path] = text;
        Revision += Same(before, Items()) ? 0 : 1;
    }

    public void Set(IReadOnlyList<(string Path, string? Text, DateTimeOffset? Until, DateTimeOffset? ConfirmBy)> edits)
    {
        var real = edits.Where(edit => Of(edit.Path) != edit.Text || _settings.Any(setting => setting.Path == edit.Path && !setting.IsForGood)).ToList();
        Revision += real.Count > 0 ? 1 : 0;
        foreach (var (path, text, until, confirmBy) in real)
        {
            if ((until is null && confirmBy is null) || path.StartsWith("ban/", StringComparison.Ordinal))
            {
                _settings.RemoveAll(setting => setting.Path == path);
            }

            _settings.Add(new Setting(path, text, Revision, until ?? DateTimeOffset.MaxValue, confirmBy ?? DateTimeOffset.MaxValue));
        }
    }

    public void Reset(string path) => Revision += _settings.RemoveAll(setting => setting.Path == path && !(setting.IsForGood && setting.Text is null && !_configuration.ContainsKey(path))) > 0 ? 1 : 0;

    public List<long> Confirm()
    {
        var waiting = _settings.Where(setting => setting.ConfirmBy < DateTimeOffset.MaxValue).ToList();
        foreach (var setting in waiting.Where(setting => _settings.Contains(setting)))
        {
            if (setting.Until == DateTimeOffset.MaxValue)
            {
                var at = _settings.IndexOf(setting);
                _settings.RemoveAll(other => other.Path == setting.Path && _settings.IndexOf(other) < at);
            }

            setting.ConfirmBy = DateTimeOffset.MaxValue;
        }

        return [.. waiting.Select(setting => setting.Revision).Distinct()];
    }

    public void Rollback(long revision, DateTimeOffset now)
    {
        var (target, bans) = _revisions[revision];
        var items = Items();
        var edits = new List<(string, string?, DateTimeOffset?, DateTimeOffset?)>();
        foreach (var path in items.Keys.Union(target.Keys).Where(path => items.GetValueOrDefault(path) != target.GetValueOrDefault(path)))
        {
            var isOver = bans.TryGetValue(path, out var until) && until <= now;
            if (isOver && !items.ContainsKey(path))
            {
                continue;
            }

            edits.Add((path, isOver ? null : target.GetValueOrDefault(path), bans.ContainsKey(path) && !isOver && target.ContainsKey(path) ? until : null, null));
        }

        Set(edits);
    }

    public void Expire(DateTimeOffset now)
    {
        while (_settings.Where(setting => setting.Due <= now).OrderBy(setting => setting.Due).FirstOrDefault() is { } first)
        {
            var before = Items();
            _settings.RemoveAll(setting => setting.Revision == first.Revision && setting.Due <= now);
            Revision += Same(before, Items()) ? 0 : 1;
            Remember();
        }
    }

    private static bool Same(Dictionary<string, string> one, Dictionary<string, string> other) => one.Count == other.Count && !one.Except(other).Any();

    private string? Of(string path) => _settings.FindLast(setting => setting.Path == path) is { } last ? last.Text : _configuration.GetValueOrDefault(path);

    private sealed class Setting(string path, string? text, long revision, DateTimeOffset until, DateTimeOffset confirmBy)
    {
        public string Path => path;

        public string? Text => text;

        public long Revision => revision;

        public DateTimeOffset Until => until;

        public DateTimeOffset ConfirmBy { get; set; } = confirmBy;

        public bool IsForGood => until == DateTimeOffset.MaxValue && ConfirmBy == DateTimeOffset.MaxValue;

        public DateTimeOffset Due => until < ConfirmBy ? until : ConfirmBy;
    }
}
