using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace Relay.Configuration;

/// <summary>Configuration to settings. Finds every error before it gives up, so that one start names them all.</summary>
internal static class SettingsReader
{
    // Set for relayctl and for relayd's own command line; no options.
    private static readonly string[] OtherNames = ["Admin", "Config", "Token"];

    public static RelaySettings Read(IConfiguration configuration, out IReadOnlyList<string> errors)
    {
        var found = new List<string>();
        var settings = new RelaySettings();
        FindUnknown(configuration, found);
        foreach (var option in SettingCatalog.All)
        {
            Set(settings, option, configuration.GetSection(option.Path), found);
            if (configuration is IConfigurationRoot root && SourceOf(root, option) is { } source)
            {
                settings.Sources[option.Path] = source;
            }
        }

        foreach (var section in SettingCatalog.All.DistinctBy(option => option.SectionPath))
        {
            Validate(section.SectionPath, section.Section.GetValue(settings)!, found);
        }

        if (found.Count == 0)
        {
            found.AddRange(settings.Contradictions());
        }

        errors = found;
        return settings;
    }

    private static void FindUnknown(IConfiguration configuration, List<string> errors)
    {
        foreach (var (path, value) in configuration.AsEnumerable().OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (value is null || IsOfKubernetes(configuration, path) || OtherNames.Contains(path, StringComparer.OrdinalIgnoreCase) || IsKnown(path))
            {
                continue;
            }

            errors.Add($"{Spelled(configuration, path)}: there is no such option; did you mean {SettingCatalog.Nearest(path)}?");
        }
    }

    // Environment variables are found only by their exact name.
    private static string Spelled(IConfiguration configuration, string path) =>
        IsVariable(configuration, path)
            ? $"RELAY_{path.Replace(":", "__", StringComparison.Ordinal).ToUpperInvariant()} in the environment"
            : path;

    private static bool IsVariable(IConfiguration configuration, string path) =>
        configuration is IConfigurationRoot root
        && root.Providers.LastOrDefault(provider => provider.TryGet(path, out _)) is EnvironmentVariablesConfigurationProvider;

    // Kubernetes makes such variables for a service called "relay": RELAY_SERVICE_HOST, RELAY_PORT, RELAY_PORT_9000_TCP_ADDR.
    private static bool IsOfKubernetes(IConfiguration configuration, string path) =>
        (path.StartsWith("SERVICE_", StringComparison.OrdinalIgnoreCase)
            || path.Equals("PORT", StringComparison.OrdinalIgnoreCase)
            || path.StartsWith("PORT_", StringComparison.OrdinalIgnoreCase))
        && IsVariable(configuration, path);

    private static bool IsKnown(string path) => SettingCatalog.All.Any(option =>
        path.Equals(option.Path, StringComparison.OrdinalIgnoreCase)
        || (option.IsList
            && path.StartsWith(option.Path + ":", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(path[(option.Path.Length + 1)..], out _)));

    // The last source that has it, as the configuration itself chooses.
    private static string? SourceOf(IConfigurationRoot configuration, Option option)
    {
        var provider = configuration.Providers.LastOrDefault(each => each.TryGet(option.Path, out _) || (option.IsList && each.GetChildKeys([], option.Path).Any()));
        return provider switch
        {
            null => null,
            JsonConfigurationProvider json => json.Source.FileProvider?.GetFileInfo(json.Source.Path ?? "").PhysicalPath ?? "file",
            EnvironmentVariablesConfigurationProvider => $"RELAY_{option.Path.Replace(":", "__", StringComparison.Ordinal).ToUpperInvariant()}",
            CommandLineConfigurationProvider => "command line",
            _ => $"{provider}",
        };
    }

    private static void Set(RelaySettings settings, Option option, IConfigurationSection section, List<string> errors)
    {
        var entries = section.GetChildren().Select(child => child.Value ?? "").ToArray();
        if (option.IsList && entries.Length > 0)
        {
            option.Property.SetValue(option.Section.GetValue(settings), entries);
        }
        else if (section.Value is { } text)
        {
            if (option.Parse(text) is { } value)
            {
                option.Property.SetValue(option.Section.GetValue(settings), value);
            }
            else
            {
                var unit = option.Type == typeof(TimeSpan) ? ", with a unit such as 500ms, 30s or 5m" : "";
                errors.Add($"{option.Path}: '{text}' is not valid; allowed: {option.Allowed}{unit}");
            }
        }
    }

    private static void Validate(string section, object options, List<string> errors)
    {
        foreach (var option in SettingCatalog.All.Where(option => option.SectionPath == section))
        {
            var value = option.Property.GetValue(options);
            if (option.Range is { } range && (range.Minimum.CompareTo(value) > 0 || range.Maximum.CompareTo(value) < 0))
            {
                errors.Add($"{option.Path}: {Option.Show(value)} is out of range; allowed: {option.Allowed}");
            }
        }

        if (options is IValidatableObject rules)
        {
            errors.AddRange(rules.Validate(new ValidationContext(options, section, serviceProvider: null, items: null))
                .Select(result => $"{section}:{result.MemberNames.First()}: {result.ErrorMessage}"));
        }
    }
}
