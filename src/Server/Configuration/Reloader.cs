using Relay.AdminAuth;
using Relay.ClientAuth;
using Relay.Events;
using Relay.Transport;

namespace Relay.Configuration;

/// <summary>
/// Reads certificates, tokens and options again, when it is told to or when their files have changed. What cannot be used leaves what
/// was in use before.
/// </summary>
/// <param name="running">The options in use; a reload writes the live ones.</param>
/// <param name="source">Where they come from; null: from nowhere that could be read again.</param>
internal sealed class Reloader(
    RelaySettings running, SettingsSource? source, IEnumerable<ListenerCertificate> certificates, TokenStore tokens, KeyFile keys, CertificateExpiry expiry, RelayEvents events)
{
    /// <summary>Between two looks at the files. By time and size and not by notifications: a mounted volume changes by a link, and may send none.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Held while files are read: who waits is another reload.
    private readonly Lock _lock = new();

    // Guarded by _lock. The files as they were last read, and as they were at the last look.
    private IReadOnlyList<FileVersion> _read = [];
    private IReadOnlyList<FileVersion> _seen = [];
    private string _reported = "";

    /// <summary>The options in use.</summary>
    public RelaySettings Running => running;

    /// <summary>Before the first look: what is read at the start.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _read = _seen = Versions();
        }
    }

    /// <summary>Reads everything again and publishes what came of it. Waits for the disk.</summary>
    public Reloaded Reload(string who, string reason)
    {
        lock (_lock)
        {
            return Reload(who, reason, isSilent: _ => false);
        }
    }

    /// <summary>Reloads if files have changed, once they are as they were at the look before: a certificate and its key are two files.</summary>
    public void Look()
    {
        lock (_lock)
        {
            var now = Versions();
            var isSettled = now.SequenceEqual(_seen);
            _seen = now;
            if (isSettled && !now.SequenceEqual(_read))
            {
                // The relay writes the token file itself, and a change may be one that was reported already.
                Reload(RelayEvent.Relay, "files have changed", result => result.Applied.Count == 0 && Outstanding(result) == _reported);
            }
        }
    }

    private static string Outstanding(Reloaded result) => (result with { Applied = [] }).Result;

    private Reloaded Reload(string who, string reason, Func<Reloaded, bool> isSilent)
    {
        _read = Versions();
        var (applied, needRestart, errors) = (new List<string>(), new List<string>(), new List<string>());
        ReadOptions(applied, needRestart, errors);
        foreach (var certificate in certificates.Where(certificate => certificate.IsUsed))
        {
            Try(certificate.Load, () => $"new certificate of the {certificate.Listener} listener, valid until {certificate.Expires!.Value.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}", applied, errors);
        }

        Try(tokens.Load, () => "tokens", applied, errors);
        Try(keys.Load, () => $"keys of clients' tokens: {keys.Current.Count}", applied, errors);
        var result = new Reloaded(applied, needRestart, errors) { Who = who, Reason = reason };
        if (!isSilent(result))
        {
            events.Publish(result);
            expiry.Warn();
        }

        _reported = Outstanding(result);
        return result;
    }

    private void ReadOptions(List<string> applied, List<string> needRestart, List<string> errors)
    {
        IReadOnlyList<string> found = [];
        if (source?.Read(out found) is not { } next || found.Count > 0)
        {
            errors.AddRange(found);
            return;
        }

        foreach (var option in SettingCatalog.All)
        {
            var (before, after) = (option.Of(running), option.Of(next));
            if (Option.Typed(before) == Option.Typed(after))
            {
                Follow(option, next);
                continue;
            }

            if (option.IsLiveBetween(before, after))
            {
                option.Property.SetValue(option.Section.GetValue(running), after);
                Follow(option, next);
                applied.Add(option.IsSecret ? $"{option.Path}: changed" : $"{option.Path}: {Option.Show(before)} to {Option.Show(after)}");
            }
            else
            {
                needRestart.Add(option.Path);
            }
        }
    }

    // The value in use comes from elsewhere now.
    private void Follow(Option option, RelaySettings next)
    {
        if (next.Sources.TryGetValue(option.Path, out var from))
        {
            running.Sources[option.Path] = from;
        }
        else
        {
            running.Sources.TryRemove(option.Path, out _);
        }
    }

    private static void Try(Func<bool> load, Func<string> describe, List<string> applied, List<string> errors)
    {
        try
        {
            if (load())
            {
                applied.Add(describe());
            }
        }
        catch (InvalidDataException exception)
        {
            errors.Add(exception.Message);
        }
    }

    private IReadOnlyList<FileVersion> Versions() =>
        [.. (source?.Files ?? []).Concat(certificates.SelectMany(certificate => certificate.Files)).Concat(keys.Files).Append(running.Admin.TokenFile).Select(FileVersion.Of)];
}
