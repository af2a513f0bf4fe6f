using Microsoft.Extensions.Configuration;
using Relay.Configuration;

namespace Server.Tests.Configuration;

public sealed class ConfigurationShowTests
{
    [Fact]
    public void Rows_EachOption_IsThereOnceAndFromWhereItIsSet()
    {
        var rows = Rows(new() { ["Admission:PerIp"] = "7" });

        Assert.Equal(SettingCatalog.All.Select(option => option.Path), rows.Keys);
        Assert.Equal("7", rows["Admission:PerIp"].Value);
        Assert.NotEqual("default", rows["Admission:PerIp"].Source);
        Assert.Equal("default", rows["Admission:Total"].Source);
    }

    /// <summary>Whatever may hold a password is not shown, however it is configured.</summary>
    [Fact]
    public void Rows_EachSecret_HasNoValue()
    {
        var secrets = SettingCatalog.All.Where(option => option.IsSecret).ToArray();
        var rows = Rows(secrets.ToDictionary(option => option.Path, _ => (string?)"s3cret"));

        Assert.Contains(secrets, option => option.Path == "Storage:Connection");
        Assert.All(secrets, option => Assert.Null(rows[option.Path].Value));
        Assert.DoesNotContain(rows.Values, row => row.Value?.Contains("s3cret", StringComparison.Ordinal) == true);
    }

    private static Dictionary<string, (string? Value, string Source)> Rows(Dictionary<string, string?> given)
    {
        var settings = SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(given).Build(), out _);
        return ConfigurationShow.Rows(settings).ToDictionary(row => row.Option.Path, row => (row.Value, row.Source));
    }
}
