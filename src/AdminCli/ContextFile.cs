using System.Text.Json;
using System.Text.Json.Nodes;

namespace Relay.AdminCli;

/// <summary>The contexts of one user: a file that only this user can read or change, because it says where tokens are sent.</summary>
internal sealed class ContextFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const int MaxName = 64;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly string _path;

    private ContextFile(string path) => _path = path;

    public SortedDictionary<string, SavedContext> Contexts { get; } = new(StringComparer.Ordinal);

    /// <summary>The context that is used where nothing else is given; null: none.</summary>
    public string? Current { get; set; }

    public static bool IsName(string text) => text.Length is > 0 and <= MaxName && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>Null where there is no place for it, or it cannot be used; <paramref name="problem"/> is a sentence to show.</summary>
    public static ContextFile? Open(Func<string, string?> variable, out string? problem)
    {
        if (PathIn(variable) is not { } path)
        {
            problem = "Contexts are kept in your home folder, and HOME is not set. Set HOME or XDG_CONFIG_HOME, or give --server.";
            return null;
        }

        var file = new ContextFile(path);
        try
        {
            problem = null;
            if (!File.Exists(path))
            {
                return file;
            }

            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & OthersWrite) != 0)
            {
                problem = $"{Printable.Clean(path)} can be changed by others, who could have your token sent to them. Check it and run `chmod 600` on it.";
                return null;
            }

            file.Read(JsonNode.Parse(File.ReadAllText(path))!.AsObject());
            return file;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or InvalidDataException)
        {
            problem = $"{Printable.Clean(path)} is not a file of contexts: {Printable.Clean(e.Message)} Correct it, or delete it and add the contexts again.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"{Printable.Clean(path)} cannot be read: {Printable.Clean(e.Message)}";
        }

        return null;
    }

    /// <summary>Whether there may be contexts at all: a user without a home, such as a service, has none.</summary>
    public static bool Exists(Func<string, string?> variable) => PathIn(variable) is { } path && File.Exists(path);

    /// <summary>Replaces the file as a whole; null, or a sentence that says why it could not be written.</summary>
    public string? Save()
    {
        var text = ToJson(everyField: false).ToJsonString(Indented);
        try
        {
            var folder = Path.GetDirectoryName(_path)!;
            var temporary = Path.Combine(folder, $".contexts.{Guid.NewGuid():N}");
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(temporary, text + "\n");
            }
            else
            {
                Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
                using var writer = new StreamWriter(new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }));
                writer.WriteLine(text);
            }

            File.Move(temporary, _path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{Printable.Clean(_path)} cannot be written: {Printable.Clean(e.Message)}";
        }
    }

    /// <summary>As the file has it, or with null for what a context leaves open.</summary>
    public JsonObject ToJson(bool everyField)
    {
        var contexts = new JsonObject();
        foreach (var (name, saved) in Contexts)
        {
            contexts[name] = Of(("server", saved.Server), ("caFile", saved.CaFile), ("tokenFile", saved.TokenFile), ("certificate", saved.Certificate), ("key", saved.Key));
        }

        var all = Of(("current", Current));
        all["contexts"] = contexts;
        return all;

        JsonObject Of(params IEnumerable<(string Name, string? Value)> fields) =>
            new(fields.Where(field => everyField || field.Value is not null).Select(field => KeyValuePair.Create(field.Name, (JsonNode?)field.Value)));
    }

    // The base directory specification ignores relative paths.
    private static string? PathIn(Func<string, string?> variable) =>
        variable("XDG_CONFIG_HOME") is { } config && Path.IsPathFullyQualified(config) ? Path.Combine(config, "relay", "contexts.json")
        : variable("HOME") is { } home && Path.IsPathFullyQualified(home) ? Path.Combine(home, ".config", "relay", "contexts.json")
        : null;

    private void Read(JsonObject all)
    {
        foreach (var (name, node) in all["contexts"]?.AsObject() ?? [])
        {
            if (!IsName(name) || Text(node!, "server") is not { } server)
            {
                throw new InvalidDataException($"context '{Printable.Clean(name)}' has no server.");
            }

            Contexts[name] = new SavedContext(server, Text(node!, "caFile"), Text(node!, "tokenFile"), Text(node!, "certificate"), Text(node!, "key"));
        }

        Current = Text(all, "current");
    }

    private static string? Text(JsonNode node, string field) => node.AsObject()[field]?.GetValue<string>();
}
