using System.Text.Json;
using Microsoft.Extensions.Configuration.CommandLine;

namespace Relay.Configuration;

/// <summary>Where this process has its settings from; they can be read again.</summary>
/// <param name="file">What --config or RELAY_CONFIG names; null: neither does.</param>
/// <param name="arguments">The options of the command line, written --Section:Option=value.</param>
internal sealed class SettingsSource(string? file, string[] arguments)
{
    private static readonly string Beside = Path.Combine(AppContext.BaseDirectory, "appsettings.json");

    /// <summary>The files that are read.</summary>
    public IEnumerable<string> Files => file is null ? [Beside] : [Beside, file];

    /// <summary>The settings, which are only of use where there are no errors; null: not even that.</summary>
    public RelaySettings? Read(out IReadOnlyList<string> errors)
    {
        var found = new List<string>();
        errors = found;
        foreach (var token in arguments.Where(token => !token.StartsWith("--", StringComparison.Ordinal) || !token.Contains('=')))
        {
            // A value may be a password.
            found.Add($"'{token.Split('=')[0]}' is not understood; options are written --Section:Option=value");
        }

        if (file is not null && !File.Exists(file))
        {
            found.Add($"--config: there is no file '{file}'");
        }

        if (found.Count > 0)
        {
            return null;
        }

        try
        {
            var settings = SettingsReader.Read(Build(), out var inSettings);
            found.AddRange(inSettings);
            if (DataFolder.Find(settings.Data) is { } folder)
            {
                settings.PlaceFiles(folder);
            }
            else
            {
                found.Add("Data:Folder: this user has no home folder, so it has to be set");
            }

            return settings;
        }
        catch (InvalidDataException exception)
        {
            // Not JSON, or not readable: the innermost exception says why. Its own line numbers begin at 0.
            var why = exception.GetBaseException() is JsonException json
                ? $"line {json.LineNumber + 1}: {json.Message.Split(" LineNumber:")[0]}"
                : exception.InnerException?.Message;
            found.Add($"{exception.Message} {why}".TrimEnd());
            return null;
        }
    }

    // All sources, the last one first to be asked. Throws InvalidDataException for a file that is not JSON.
    private IConfigurationRoot Build()
    {
        var builder = new ConfigurationBuilder().AddJsonFile(Beside, optional: true);
        if (file is not null)
        {
            builder.AddJsonFile(Path.GetFullPath(file));
        }

        builder.AddEnvironmentVariables("RELAY_");
        builder.Add(new CommandLineConfigurationSource { Args = arguments });
        return builder.Build();
    }
}
