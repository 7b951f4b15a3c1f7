// JSON Schema, canonical text and example, from the same definitions as the parser.
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "model/describe.hpp"
#include "model/parse.hpp"

namespace loam::model {

namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json schema_of(const Doc& doc);

template <typename T>
Json scalar_json(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return enum_name(value);
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::int64_t>) {
    return value;
  } else {
    return value.str();
  }
}

class SchemaVisitor {
 public:
  template <typename T>
  void field(std::string_view key, T& value, const Doc& doc) {
    Json member = schema_of<T>(doc);
    member["description"] = doc.text;
    if (doc.example != nullptr) (member.contains("items") ? member["items"] : member)["examples"] = {doc.example};
    if constexpr (!is_optional<T> && !is_vector<T> && !Described<T>)
      if (!doc.required) member["default"] = scalar_json(value);
    properties_[std::string(key)] = std::move(member);
    if (doc.required) required_.push_back(key);
  }

  Json take() && {
    Json object = {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties_)}};
    if (!required_.empty()) object["required"] = std::move(required_);
    return object;
  }

 private:
  Json properties_ = Json::object();
  Json required_ = Json::array();
};

template <typename T>
Json schema_of(const Doc& doc) {
  if constexpr (is_optional<T>) {
    return schema_of<typename T::value_type>(doc);
  } else if constexpr (is_vector<T>) {
    return {{"type", "array"}, {"items", schema_of<typename T::value_type>(doc)}};
  } else if constexpr (Described<T>) {
    SchemaVisitor visitor;
    T value;
    describe(visitor, value);
    return std::move(visitor).take();
  } else if constexpr (std::is_enum_v<T>) {
    return {{"enum", EnumNames<T>::names}};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return {{"type", "integer"}, {"minimum", doc.min}, {"maximum", doc.max}};
  } else {
    return {{"type", {"string", "integer"}},
            {"pattern", ScalarFormat<T>::pattern},
            {"examples", {ScalarFormat<T>::example}}};
  }
}

// Every member of a described object through `convert`, as a JSON object.
template <typename Convert>
struct MembersVisitor {
  Convert convert;
  Json members = Json::object();

  template <typename T>
  void field(std::string_view key, T& value, const Doc& doc) {
    convert(members, std::string(key), value, doc);
  }
};

template <typename T, typename Convert>
Json members_of(T& value, Convert convert) {
  MembersVisitor<Convert> visitor{convert};
  describe(visitor, value);
  return std::move(visitor.members);
}

// The whole value, defaults too; absent optional values are null.
template <typename T>
Json full(T& value) {
  if constexpr (is_optional<T>) {
    return value ? full(*value) : Json(nullptr);
  } else if constexpr (is_vector<T>) {
    Json list = Json::array();
    for (auto& item : value) list.push_back(full(item));
    return list;
  } else if constexpr (Described<T>) {
    return members_of(value,
                      [](Json& out, const std::string& key, auto& member, const Doc&) { out[key] = full(member); });
  } else {
    return scalar_json(value);
  }
}

// The value without what the defaults say anyway.
template <typename T>
Json pruned(T& value) {
  if constexpr (is_optional<T>) {
    return value ? pruned(*value) : Json(nullptr);
  } else if constexpr (is_vector<T>) {
    Json list = Json::array();
    for (auto& item : value) list.push_back(pruned(item));
    return list;
  } else if constexpr (Described<T>) {
    T standard;
    const Json defaults = full(standard);
    return members_of(value, [&](Json& out, const std::string& key, auto& member, const Doc& doc) {
      if (doc.required || full(member) != defaults[key]) out[key] = pruned(member);
    });
  } else {
    return scalar_json(value);
  }
}

bool is_plain(const Json& value) { return !value.is_structured(); }

// JSON strings are YAML strings too, so a dumped scalar can be read back whatever is in it.
void emit(const Json& value, int indent, std::string& out);

void emit_members(const Json& object, int indent, std::string& out, bool first_inline) {
  for (const auto& [key, member] : object.items()) {
    if (!std::exchange(first_inline, false)) out.append(static_cast<std::size_t>(indent), ' ');
    out += key + ":";
    if (is_plain(member) || member.empty()) {
      out += " " + member.dump() + "\n";
    } else {
      out += "\n";
      emit(member, indent + 2, out);
    }
  }
}

void emit(const Json& value, int indent, std::string& out) {
  if (value.is_object()) {
    emit_members(value, indent, out, false);
    return;
  }
  for (const auto& item : value) {
    out.append(static_cast<std::size_t>(indent), ' ');
    out += "- ";
    if (item.is_object() && !item.empty()) {
      emit_members(item, indent + 2, out, true);
    } else {
      out += item.dump() + "\n";
    }
  }
}

}  // namespace

std::string json_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "loam.yaml"}};
  schema.update(schema_of<Config>(Doc{}));
  return schema.dump(2) + "\n";
}

std::string format_config(const Config& config) {
  Config copy = config;
  std::string text;
  emit(pruned(copy), 0, text);
  return text;
}

std::string example_config() {
  return R"(# loam.yaml: what one node shall be. loamctl config schema prints every key.
version: 1
hostname: node-1

install:                      # only live media look here
  disk:                       # exactly one disk must match
    bus: nvme
    min_size: 100G
  then: reboot

access:
  ssh_keys:
    - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aB admin@site

network:
  nics:                       # names pinned to permanent MAC addresses
    - name: nic0
      match: {mac: "52:54:00:12:34:01"}
    - name: nic1
      match: {mac: "52:54:00:12:34:02"}
  bonds:
    - name: bond0
      members: [nic0, nic1]
      mode: 802.3ad
      mtu: 9000
  interfaces:
    - link: bond0
      roles: [management, cluster, storage-public, storage-cluster]
      addresses: [192.0.2.11/24]
      gateway: 192.0.2.1
  dns:
    servers: [192.0.2.1]

storage:
  data:                       # blank disks that match become OSDs
    - rotational: true
      min_size: 1T

time:
  zone: Europe/Berlin
  servers: [ntp.example]
)";
}

}  // namespace loam::model
